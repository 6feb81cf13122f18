/**
 * Planning: what earlier runs have measured becomes a plan, and what is expected of it.
 *
 * The expectation is made when the run is over, by what was known before it began: nobody waits for it, and it takes nothing
 * from the run.
 */
import {
  type AnyAnnotation,
  type Behaviour,
  type Environment,
  type Graph,
  Plan,
  Planner,
  Predictions
} from "@weft/core"
import type { Summaries } from "@weft/metrics"
import type { History, PredictedRun } from "@weft/storage"
import type { Engine } from "@weft/worker"
import * as Effect from "effect/Effect"

/** How a run is planned. */
export interface Settings {
  readonly planner: Planner.AnyPlanner
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  readonly engine: Pick<Engine, "environment" | "name" | "parallelism">
  /** What is known of where workers run, over what the engine says. */
  readonly environment?: Environment | undefined
  /** Whether it is predicted how long the run takes. Default: if the planner asks for predictions. */
  readonly predict?: boolean | undefined
}

/** What was expected of a run. */
export interface Expectation {
  readonly predicted: PredictedRun
  /** When nodes were expected to run. */
  readonly timeline: Plan.Plan["timeline"]
  /** What comparing it with the run teaches; `undefined` if no run is known yet that began alike. */
  readonly calibration: Summaries.Calibration | undefined
}

/** A plan, and what was known when it was made. */
export interface Planned {
  readonly plan: Plan.Plan
  /** What is to be expected; `undefined` if too little is known, or if it is not asked for. */
  readonly expectation: Effect.Effect<Expectation | undefined>
}

/** Plans a graph, and checks the plan. */
export const plan = Effect.fnUntraced(function* (graph: Graph.Graph, settings: Settings) {
  const { behaviours, planner } = settings
  const { predict = planner.usesHistory !== false } = settings
  const isAsked = planner.usesHistory !== false || predict
  const known = isAsked ? yield* knownOf(graph, settings) : NOTHING_KNOWN
  const plan = yield* Planner.run(planner, graph, known.predictions, known.environment)
  const annotations = new Set<AnyAnnotation>([
    ...planner.annotations,
    ...behaviours.map(({ annotation }) => annotation)
  ])
  yield* Effect.try({
    try: () => Plan.check(plan, graph, [...annotations]),
    catch: (error) => error as Plan.InvalidPlan
  })
  return {
    plan,
    expectation:
      predict && known.predictions.runs > 0
        ? expectationOf({ graph, plan, behaviours, ...known })
        : Effect.succeed(undefined)
  } satisfies Planned
})

interface Known {
  readonly predictions: Predictions.Predictions
  readonly environment: Environment
}

const NOTHING_KNOWN: Known = { predictions: Predictions.none, environment: {} }

/** What the history says, and what is known of where workers will run. A history that cannot be read says nothing. */
export const knownOf = Effect.fnUntraced(function* (
  graph: Graph.Graph,
  { engine, environment: given }: Pick<Settings, "engine" | "environment">
): Effect.fn.Return<Known, never, History> {
  // Loaded when they are asked for: most runs need nothing of them.
  const { Predictor } = yield* Effect.promise(() => import("@weft/metrics"))
  const { Environment } = yield* Effect.promise(() => import("@weft/planning"))
  const environment = { ...Environment.environmentOf(engine), ...engine.environment, ...given }
  const found = yield* Effect.orElseSucceed(Predictor.load(graph, engine.name), () => Predictions.none)
  const predictions = environment.warm === "none" ? { ...found, warm: () => 0 } : found
  return { predictions, environment }
})

/** So many runs are simulated, by how many instances there are: about half a second together. */
const INSTANCES = 2500
const SAMPLES = { least: 8, most: 40 }

const expectationOf = Effect.fnUntraced(
  function* (
    input: Known & {
      readonly graph: Graph.Graph
      readonly plan: Plan.Plan
      readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
    }
  ) {
    if (input.graph.size > INSTANCES) return undefined
    const { Simulator } = yield* Effect.promise(() => import("@weft/planning"))
    const samples = Math.max(SAMPLES.least, Math.min(SAMPLES.most, Math.floor(INSTANCES / input.graph.size)))
    const simulation = yield* Simulator.simulate({ ...input, samples })
    const { bytes, coldStarts, gbSeconds, makespanMs, rawMakespanMs, roundTrips, timeline } = simulation
    const predicted: PredictedRun = {
      meanMs: makespanMs.mean,
      p50Ms: makespanMs.percentile(0.5),
      p90Ms: makespanMs.percentile(0.9),
      rawMs: rawMakespanMs.mean,
      gbSeconds,
      bytes,
      coldStarts,
      roundTrips
    }
    const start = Predictions.startOf(coldStarts)
    // What is predicted from runs that began otherwise is off by what that makes, and not by what predictions leave out.
    const teaches = input.predictions.runsBegun(start) > 0
    return { predicted, timeline, calibration: teaches ? { rawMs: predicted.rawMs, start } : undefined }
  },
  Effect.orElseSucceed(() => undefined)
)
