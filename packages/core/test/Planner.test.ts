import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { annotation, GraphBuilder, Plan, Planner, Predictions, planner, task } from "../src/index.ts"

const Priority = annotation("priority", Schema.Finite)
const Pinned = annotation("pinned", Schema.String)
const Budget = annotation("budget", Schema.Finite, "plan")

const inc = task("inc", (n: number) => n + 1)
const { graph } = GraphBuilder.make(inc(inc(inc(0))), "planned")

const planBy = (plan: Planner.Planner<typeof Priority | typeof Pinned | typeof Budget>["plan"]) =>
  Planner.run(
    planner({ name: "test", annotations: [Priority, Pinned, Budget], plan }),
    graph,
    Predictions.none
  )

describe("a planner's draft", () => {
  it.effect("that stays empty is a plan that leaves all open", () =>
    Effect.gen(function* () {
      const plan = yield* planBy(() => {})
      expect(plan).toEqual({
        planner: "test",
        memory: Plan.DEFAULT_MEMORY,
        nodes: new Map(),
        annotations: {},
        notes: [],
        timeline: []
      })
      expect(() => Plan.check(plan, graph, [])).not.toThrow()
    })
  )

  it.effect("takes assignments, and the later one wins, field by field", () =>
    Effect.gen(function* () {
      const plan = yield* planBy(({ draft }) => {
        draft.assign(0, { worker: "a", memory: 256 })
        draft.assign(1, { worker: "a" })
        draft.assign(0, { memory: 512 })
        draft.assign(1, { worker: "b" })
      })
      expect(plan.nodes).toEqual(
        new Map([
          [0, { worker: "a", memory: 512 }],
          [1, { worker: "b" }]
        ])
      )
    })
  )

  it.effect("takes annotations beside assignments, and the later value of one wins", () =>
    Effect.gen(function* () {
      const plan = yield* planBy(({ draft }) => {
        draft.annotate(0, Priority(1), Pinned("x"))
        draft.assign(0, { worker: "a" })
        draft.annotate(0, Priority(2))
        draft.annotatePlan(Budget(5))
        draft.annotatePlan(Budget(6))
      })
      expect(plan.nodes.get(0)).toEqual({ worker: "a", annotations: { priority: 2, pinned: "x" } })
      expect(plan.annotations).toEqual({ budget: 6 })
      expect(() => Plan.check(plan, graph, [Priority, Pinned, Budget])).not.toThrow()
    })
  )

  it.effect("takes memory, notes and a timeline", () =>
    Effect.gen(function* () {
      const timeline = [{ node: 0, startMs: 0, endMs: 5 }]
      const plan = yield* planBy(({ draft }) => {
        draft.setMemory(1769)
        draft.note("first")
        draft.note("second")
        draft.predict(timeline)
      })
      expect(plan).toMatchObject({ memory: 1769, notes: ["first", "second"], timeline })
    })
  )
})

describe("a planner", () => {
  it.effect("gets the graph and the predictions", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      yield* planBy((input) => {
        seen.push(input.graph, input.predictions)
      })
      expect(seen).toEqual([graph, Predictions.none])
    })
  )

  it.effect("may take its time, in a promise or in an Effect", () =>
    Effect.gen(function* () {
      const later = yield* planBy(async ({ draft }) => {
        await undefined
        draft.note("promised")
      })
      const effect = yield* planBy(({ draft }) => Effect.sync(() => draft.note("effect")))
      expect([later.notes, effect.notes]).toEqual([["promised"], ["effect"]])
    })
  )

  it.effect("that throws or rejects dies with what it threw", () =>
    Effect.gen(function* () {
      const broken = new Error("broken")
      const exits = [
        yield* Effect.exit(
          planBy(() => {
            throw broken
          })
        ),
        yield* Effect.exit(planBy(() => Promise.reject(broken)))
      ]
      const defects = exits.map((exit) => Exit.isFailure(exit) && Cause.squash(exit.cause))
      expect(defects).toEqual([broken, broken])
    })
  )

  it.effect("plans anew each time", () =>
    Effect.gen(function* () {
      const alternate = planner({
        name: "alternate",
        annotations: [],
        plan: ({ draft, graph }) => {
          for (let id = 0; id < graph.size; id++) draft.assign(id, { worker: `w${id % 2}` })
        }
      })
      const [one, other] = [
        yield* Planner.run(alternate, graph, Predictions.none),
        yield* Planner.run(alternate, graph, Predictions.none)
      ]
      expect(one).toEqual(other)
      expect(one.nodes).not.toBe(other.nodes)
      expect(one.planner).toBe("alternate")
    })
  )
})

describe("no predictions", () => {
  it("know nothing", () => {
    expect(Predictions.none.executionMs("inc", {})).toBeUndefined()
    expect(Predictions.none.outputBytes("inc", { memory: 1024 })).toBeUndefined()
  })
})
