// Items of a generator reach their readers while it runs.
import { stream } from "@weft/annotations"
import { afterAll, describe, expect, it } from "vitest"
import { inline, processes, threads } from "../src/index.ts"
import { serve } from "./fixtures/served.ts"
import * as tasks from "./fixtures/streams.ts"
import { value } from "./harness.ts"

const { all, count, countSync, moduleUrl, sum } = tasks
const shared = await serve()
const pool = threads({ threads: 2, idleMs: 5 })
const pair = processes({ processes: 2, idleMs: 5 })
afterAll(async () => {
  await Promise.all([pool.close(), pair.close()])
  await shared[Symbol.asyncDispose]()
})

describe.each([
  { name: "inline", settings: { engine: inline() } },
  { name: "threads", settings: { engine: pool } },
  { name: "processes", settings: { engine: pair, shared, leaseMs: 10_000 } }
])("on $name", ({ settings }) => {
  const module = moduleUrl
  it("x", async () => {
    const n = stream(count)(20, 2)
    expect(await value(all(n), { ...settings, module })).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
  it("y", async () => {
    const n = stream(countSync)(60)
    expect(await value([all(n), sum(n)], { ...settings, module })).toEqual([
      Array.from({ length: 60 }, (_, i) => i),
      1770
    ])
  })
})
