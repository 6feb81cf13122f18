// What a worker measures of its calls of coordination.
import { task } from "@weft/core"
import { Recording } from "@weft/metrics/recording"
import { Coordination, CoordinationMemory } from "@weft/storage"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { Measured } from "../src/Measured.ts"
import type { Timing } from "../src/Timing.ts"
import { contextOf } from "./context.ts"

it("a call beside which an execution began says nothing of how long calls take", async () => {
  const one = task("one", () => 1)
  let now = 0
  const timing: Timing = { now: () => now, turn: () => undefined }
  const recording = new Recording("run", "stop")
  const parts = {
    context: contextOf(one()),
    invocation: { worker: "w", named: false, sentAt: undefined },
    invoker: {},
    host: {},
    timing
  } as unknown as ConstructorParameters<typeof Measured>[0]
  const measured = new Measured(parts, recording)
  const life = Reflect.get(measured, "life")
  const calls = async (during: () => void) => {
    const real = await Effect.runPromise(Effect.provide(Coordination, CoordinationMemory.layer))
    const { waits } = measured.coordination({
      ...real,
      waits: () =>
        Effect.sync(() => {
          during()
          return []
        })
    })
    await Effect.runPromise(waits("run", [0]))
    return life.told(now).callsMs
  }
  expect(await calls(() => (now += 5))).toEqual([5])
  const blocked = () => {
    measured.executing(0)
    now += 100
  }
  expect(await calls(blocked)).toEqual([5])
  expect(await calls(() => (now += 7))).toEqual([5, 7])
})
