import { it } from "@effect/vitest"
import { History } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { Learning, Summaries } from "../src/index.ts"
import { facts, random } from "./facts.ts"
import { calls } from "./predictor.ts"

const read = Effect.fnUntraced(function* (key: string) {
  const [found] = yield* (yield* History).summaries([key])
  return found === undefined ? undefined : Summaries.decode(found.bytes)
})

describe("learn", { timeout: 120_000 }, () => {
  it.effect("loses nothing when many learn at once", () =>
    Effect.gen(function* () {
      let conflicts = 0
      const memory = yield* History
      // Between reading and replacing, others get their turn.
      const slow = History.of({
        ...memory,
        summaries: (keys) => memory.summaries(keys).pipe(Effect.tap(() => Effect.yieldNow)),
        replace: (key, bytes, revision) =>
          memory.replace(key, bytes, revision).pipe(
            Effect.tap((done) =>
              Effect.sync(() => {
                if (!done) conflicts++
              })
            )
          )
      })
      const runs = Array.from({ length: 24 }, (_, i) =>
        calls({ memory: 1024, ms: 50 + i }, { memory: 512, ms: 100 })
      )
      yield* Effect.forEach(runs, (run) => Learning.learn(run, { rawMs: 900, start: "cold" }), {
        concurrency: "unbounded",
        discard: true
      }).pipe(Effect.provideService(History, slow))
      expect(conflicts).toBeGreaterThan(0)
      const task = yield* read(Summaries.taskKey("blur"))
      const workflow = yield* read(Summaries.workflowKey("signature"))
      if (task?.kind !== "task" || workflow?.kind !== "workflow") return expect.fail("a summary is missing")
      expect(task.task.runs).toBe(24)
      expect(
        [...task.task.cold.cells, ...task.task.warm.cells].map(({ memory, sketch }) => [memory, sketch.count])
      ).toEqual([
        [512, 24],
        [1024, 24]
      ])
      expect(workflow.workflow.runs).toBe(24)
      expect(
        workflow.workflow.calibrations.map(({ makespan, planner, ratio, start }) => [
          planner,
          start,
          ratio.runs,
          makespan.runs
        ])
      ).toEqual([["simple", "cold", 24, 24]])
    }).pipe(Effect.provide(History.layerMemory))
  )

  it.effect("keeps summaries of bounded size, whatever the runs", () =>
    Effect.gen(function* () {
      const next = random(3)
      const history = yield* History
      const sizes: Array<number> = []
      for (let i = 0; i < 100; i++) {
        const memory = 128 * (1 + Math.floor(next() * 40))
        const many = Array.from({ length: 20 }, () => ({
          memory,
          bytes: Math.floor(2 ** (40 * next())),
          ms: 10 ** (8 * next()),
          processor: 10 ** (8 * next()),
          output: 10 ** (8 * next())
        }))
        yield* Learning.learn(
          { ...calls(...many), planner: `planner${i}`, widths: [[i, Math.floor(1e6 * next())]] },
          { rawMs: 1000 * next(), start: "warm" }
        )
        const [task] = yield* history.summaries([Summaries.taskKey("blur")])
        sizes.push(task!.bytes.length)
      }
      expect(Math.max(...sizes)).toBeLessThan(100_000)
      const [workflow] = yield* history.summaries([Summaries.workflowKey("signature")])
      expect(workflow!.bytes.length).toBeLessThan(100_000)
    }).pipe(Effect.provide(History.layerMemory))
  )

  it.effect("learns nothing of a run without nodes but that it was", () =>
    Effect.gen(function* () {
      yield* Learning.learn(facts({ workers: [] }))
      expect((yield* (yield* History).keys).toSorted()).toEqual(["environment/lambda", "workflow/signature"])
    }).pipe(Effect.provide(History.layerMemory))
  )
})
