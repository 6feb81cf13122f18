// Preloading and prewarming on Redis: nothing of what workers tell each other stays in this process.
import { redis } from "@weft/storage-redis"
import { startRedis } from "@weft/testing"
import { processes, threads } from "@weft/worker"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, describe, vi } from "vitest"
import { testPlacement } from "../../worker/test/placement.ts"

vi.setConfig({ testTimeout: 60_000 })

const LONG_MS = 60_000
const leaseMs = 10_000

const server = await startRedis()
const { layer, reference } = redis(server.url)
const runtime = ManagedRuntime.make(layer)
const shared = { services: await runtime.context(), reference: reference! }
afterAll(async () => {
  await runtime.dispose()
  await server.stop()
})

describe.each([
  {
    name: "threads",
    long: threads({ threads: 2, idleMs: LONG_MS }),
    hardly: threads({ threads: 2, idleMs: 1 })
  },
  {
    name: "processes",
    long: processes({ processes: 2, idleMs: LONG_MS }),
    hardly: processes({ processes: 2, idleMs: 1 })
  }
])("on $name", ({ hardly, long }) => {
  afterAll(() => Promise.all([long.close(), hardly.close()]))
  testPlacement([
    { waits: "long", engine: long, shared, leaseMs },
    { waits: "hardly", engine: hardly, shared, leaseMs }
  ])
})
