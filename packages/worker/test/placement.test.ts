// Preloading and prewarming on the engines of this package.
import { afterAll, describe, vi } from "vitest"
import { inline, processes, threads } from "../src/index.ts"
import { serve } from "./fixtures/served.ts"
import { testPlacement } from "./placement.ts"

vi.setConfig({ testTimeout: 60_000 })

const LONG_MS = 60_000
const leaseMs = 10_000

describe("inline", () => {
  testPlacement([
    { waits: "long", engine: inline({ idleMs: LONG_MS }) },
    { waits: "hardly", engine: inline({ idleMs: 1 }) }
  ])
})

describe("threads", () => {
  const long = threads({ threads: 2, idleMs: LONG_MS })
  const hardly = threads({ threads: 2, idleMs: 1 })
  afterAll(() => Promise.all([long.close(), hardly.close()]))
  testPlacement([
    { waits: "long", engine: long },
    { waits: "hardly", engine: hardly }
  ])
})

const shared = await serve()
afterAll(() => shared[Symbol.asyncDispose]())

describe("processes", () => {
  const long = processes({ processes: 2, idleMs: LONG_MS })
  const hardly = processes({ processes: 2, idleMs: 1 })
  afterAll(() => Promise.all([long.close(), hardly.close()]))
  testPlacement([
    { waits: "long", engine: long, shared, leaseMs },
    { waits: "hardly", engine: hardly, shared, leaseMs }
  ])
})
