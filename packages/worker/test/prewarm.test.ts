// What workers will run in is started while a node runs, at the time that was planned or when its worker leaves.
import { prewarm, prewarming } from "@weft/annotations"
import { task } from "@weft/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { inline } from "../src/index.ts"
import { double } from "./fixtures/tasks.ts"
import { byName, value } from "./harness.ts"
import { serverless } from "./serverless.ts"

/** An engine that notes what it is to start, and a task that waits until it was, so often. */
const noting = (started: Effect.Effect<void> = Effect.void, times = 1) => {
  const asked: Array<readonly [memoryMiB: number, workers: number]> = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const engine = serverless({
    prewarm: (memoryMiB, workers) =>
      Effect.suspend(() => {
        asked.push([memoryMiB, workers])
        if (asked.length === times) resolve()
        return started
      })
  })
  const awaits = task("awaits", async (n: number) => {
    await promise
    return n
  })
  return { asked, awaits, engine }
}

const HOUR_MS = 3_600_000
const behaviours = [prewarming]
const first = { memory: 512, workers: 3, afterMs: 0 }
const second = { memory: 2048, workers: 1, afterMs: 1 }

describe("prewarm", () => {
  it("is asked for while the node runs", async () => {
    const { asked, awaits, engine } = noting()
    expect(await value(prewarm(awaits, first)(1), { engine, behaviours })).toBe(1)
    expect(asked).toEqual([[512, 3]])
  })

  it("is asked for at each of several times", async () => {
    const { asked, awaits, engine } = noting(Effect.void, 2)
    expect(await value(prewarm(awaits, first, second)(1), { engine, behaviours })).toBe(1)
    expect(asked).toEqual([
      [512, 3],
      [2048, 1]
    ])
  })

  //  double ── awaits(b): the first worker leaves long before the time
  it("is asked for when the worker leaves before the time", async () => {
    const { asked, awaits, engine } = noting()
    const settings = { engine, behaviours, plan: byName({ awaits: { worker: "b" } }) }
    expect(await value(awaits(prewarm(double, { ...first, afterMs: HOUR_MS })(1)), settings)).toBe(2)
    expect(asked).toEqual([[512, 3]])
  })

  it("is not asked for when the run is over before the time", async () => {
    const { asked, engine } = noting()
    expect(await value(prewarm(double, { ...first, afterMs: HOUR_MS })(1), { engine, behaviours })).toBe(2)
    expect(asked).toEqual([])
  })

  it.each([
    ["fails", Effect.die(new Error("no such function"))],
    ["takes for ever", Effect.never]
  ])("does no harm if it %s", async (_, started) => {
    const { asked, awaits, engine } = noting(started)
    expect(await value(double(prewarm(awaits, first)(1)), { engine, behaviours })).toBe(2)
    expect(asked).toEqual([[512, 3]])
  })

  it("is nothing where there is nothing to start", async () => {
    expect(await value(prewarm(double, first)(1), { engine: inline(), behaviours })).toBe(2)
  })
})
