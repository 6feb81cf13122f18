import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { annotation, Behaviour, behaviour, type Graph, type Plan } from "../src/index.ts"

const Times = annotation("times", Schema.Finite)

const context = (value: number): Behaviour.NodeContext<number> => ({
  value,
  run: "r1",
  worker: "w1",
  named: false,
  graph: {} as Graph.Graph,
  plan: {} as Plan.Plan,
  assigned: () => [],
  preload: () => Effect.void,
  prewarm: () => Effect.void,
  instance: 0,
  node: 0,
  label: "count#0",
  task: "count",
  attempt: 1
})

describe("a behaviour", () => {
  const twice = behaviour(import.meta, Times, {
    execute: (at, next) =>
      Effect.gen(function* () {
        let result = yield* next
        for (let i = 1; i < at.value; i++) result = yield* next
        return result
      })
  })

  it("knows its annotation, its stages, and the module that exports it", () => {
    expect(twice.annotation).toBe(Times)
    expect(twice.module).toBe(import.meta.url)
    expect(Object.keys(twice.stages)).toEqual(["execute"])
    expect(twice.announces).toBeUndefined()
  })

  it("says for which values workers are told of what their nodes read", () => {
    const announcing = behaviour(import.meta, Times, {}, { announces: (times) => times > 1 })
    expect([1, 2].map((times) => announcing.announces?.(times))).toEqual([false, true])
  })

  it("may be for the types only", () => {
    const asks = behaviour(import.meta, Times, {}, { announces: () => true })
    expect([twice, asks, behaviour(import.meta, Times, {})].map(Behaviour.acts)).toEqual([true, true, false])
  })

  it("is told apart from other values", () => {
    expect(Behaviour.isBehaviour(twice)).toBe(true)
    for (const other of [Times, {}, null, undefined, "twice"])
      expect(Behaviour.isBehaviour(other)).toBe(false)
  })

  it.effect("wraps a stage: it decides how often the rest runs", () =>
    Effect.gen(function* () {
      let runs = 0
      const wrap = twice.stages.execute!
      expect(
        yield* wrap(
          context(3),
          Effect.sync(() => ++runs)
        )
      ).toBe(3)
    })
  )

  it.effect("lets errors of the rest pass", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(twice.stages.execute!(context(1), Effect.fail("no")))).toBe("no")
    })
  )
})
