/**
 * What holds for every plan of every planner, on any graph with any predictions.
 */
import { type Graph, GraphBuilder, Plan, Planner, Predictions } from "@weft/core"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { expect } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { Assignment, Model, Timeline } from "../src/index.ts"
import { type Costs, exactly, knowing, type Surroundings } from "./worlds.ts"

export const planOf = (
  planner: Planner.AnyPlanner,
  graph: Graph.Graph,
  predictions: Predictions.Predictions
) => Effect.runSync(Planner.run(planner, graph, predictions))

const costs: fc.Arbitrary<Costs> = fc.record({
  ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10_000 })),
  computing: fc.constantFrom(0, 0.5, 1),
  bytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50_000_000 }))
})

const surroundings: fc.Arbitrary<Surroundings> = fc.record({
  coldMs: fc.constantFrom(0, 350, 3000),
  invokeMs: fc.constantFrom(0, 20),
  callMs: fc.constantFrom(0, 1),
  width: fc.constantFrom(0, 1, 3),
  warm: fc.constantFrom(0, 2)
})

/** Any workflow, eaches included, with predictions that know some of its tasks, all or none. */
export const arbitraryInput = (): fc.Arbitrary<readonly [Graph.Graph, Predictions.Predictions]> =>
  fc
    .tuple(
      arbitraryWorkflow,
      fc.dictionary(
        fc.constantFrom("mix", "mixLater", "describe", "answer", "spread", "spreadLazily"),
        costs,
        { noNullPrototype: true }
      ),
      surroundings
    )
    .map(
      ([{ build }, tasks, around]) =>
        [
          GraphBuilder.make(build(), "random").graph,
          Object.keys(tasks).length === 0
            ? { ...Predictions.none, width: () => exactly(2) }
            : knowing(new Map(Object.entries(tasks)), around)
        ] as const
    )

/** Checks what holds for every plan. */
export const expectSound = (
  planner: Planner.AnyPlanner,
  graph: Graph.Graph,
  predictions: Predictions.Predictions
): Plan.Plan => {
  const plan = planOf(planner, graph, predictions)
  Plan.check(plan, graph, planner.annotations)
  expect(planOf(planner, graph, predictions)).toEqual(plan)
  for (const { endMs, node, startMs } of plan.timeline) {
    expect(node).toBeLessThan(graph.size)
    expect(Number.isFinite(startMs) && startMs >= 0 && endMs >= startMs).toBe(true)
  }
  expect(plan.notes.join()).not.toMatch(/NaN|Infinity|undefined/)
  for (const [node, { annotations = {}, worker }] of plan.nodes) {
    if (Object.keys(annotations).length > 0) expect(worker).toBeDefined()
    if (worker !== undefined) expect(graph.columns.scopeOf[node]).toBe(0)
  }
  return plan
}

/** The predicted makespan of an assignment of flexible workers only. */
export const flexibleMs = (graph: Graph.Graph, predictions: Predictions.Predictions, memory: number) => {
  const model = Model.make(graph, predictions)
  return Timeline.evaluate(model, Assignment.flexible(graph, memory)).makespanMs
}
