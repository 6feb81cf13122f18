/**
 * The simulator: a run as it would be, by the worker's own stages on a virtual clock, with durations that are predicted.
 *
 * One run counts with all means: its timeline is what a plan is shown with. Others draw durations at random, from the same
 * seed the same, and give the distribution of the makespan.
 */
import { type Behaviour, type Graph, Instance, type Plan, Predictions } from "@weft/core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Environment } from "./Environment.ts"
import * as Model from "./Model.ts"
import * as Predicted from "./Predicted.ts"
import * as Prices from "./Prices.ts"
import { calibrated } from "./simulator/Calibrated.ts"
import * as Chance from "./simulator/Chance.ts"
import * as Distribution from "./simulator/Distribution.ts"
import * as Run from "./simulator/Run.ts"

/** What is to be simulated. */
export interface SimulationInput {
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  /** Those that the plan's annotations need; they run as they are. */
  readonly behaviours?: ReadonlyArray<Behaviour.Behaviour>
  readonly predictions: Predictions.Predictions
  readonly environment?: Environment
  /** How many runs draw their durations at random. Default: by size, from 100 for small graphs to 4 for large ones. */
  readonly samples?: number
  /** What chance begins with. Default 1. */
  readonly seed?: number
  /** Default: AWS Lambda on x86. */
  readonly prices?: Prices.Prices
}

/** What is expected of a run. All but the makespan are of the run that counts with means. */
export interface Simulation extends Omit<Run.Outcome, "makespanMs"> {
  /** When each node runs: the rows of a plan's timeline. */
  readonly timeline: ReadonlyArray<Plan.Predicted>
  /** From the first invocation to the commit of the last target, corrected by how earlier predictions turned out. */
  readonly makespanMs: Distribution.Distribution
  /** The same, not corrected. */
  readonly rawMakespanMs: Distribution.Distribution
  /** The makespan when everything takes as long as it does in the mean. */
  readonly meanRunMs: number
  /** Bytes that go through stores. */
  readonly bytes: number
  /** In US dollars. */
  readonly cost: number
  /** Tasks that nothing is known of, not even a hint. */
  readonly unknown: ReadonlyArray<string>
}

/** A graph that is too large to be simulated. */
export class TooLarge extends Data.TaggedError("TooLarge")<{ readonly instances: number }> {
  override get message() {
    return `the workflow has about ${this.instances} instances, and at most ${MOST_INSTANCES} are simulated; use the fast model (Timeline.evaluate)`
  }
}

/** A run that does not come to its end when it is simulated. */
export class SimulationFailed extends Data.TaggedError("SimulationFailed")<{ readonly detail: string }> {
  override get message() {
    return `the simulated run failed: ${this.detail}`
  }
}

/** So many instances take some seconds. */
export const MOST_INSTANCES = 12_000
/** Instances that all samples of one simulation run together, at about 0.2 ms each. */
const BUDGET = 20_000
const FEW = 3
const SAMPLES = { least: 4, most: 100 }

export const simulate = Effect.fn("Simulator.simulate")(function* (
  input: SimulationInput
): Effect.fn.Return<Simulation, TooLarge | SimulationFailed> {
  const { graph, plan, prices = Prices.LAMBDA.x86, seed = 1 } = input
  const predictions = Predicted.remembered(input.predictions)
  const environment = input.environment ?? {}
  const model = Model.make(graph, predictions, { environment })
  const { size } = model.unrolled
  if (size > MOST_INSTANCES) return yield* new TooLarge({ instances: size })
  const simulated: Run.Simulated = { model, plan, behaviours: input.behaviours ?? [] }
  const once = (choice: Chance.Choice, seed: number) =>
    Effect.tryPromise({
      try: () => Run.run(simulated, Predicted.asking(predictions, model.environment, choice), seed),
      catch: (error) =>
        new SimulationFailed({ detail: error instanceof Error ? error.message : String(error) })
    })
  const { makespanMs, ...outcome } = yield* once(Chance.mean, seed)
  const samples = input.samples ?? samplesFor(size)
  const makespans: Array<number> = []
  for (let i = 1; i <= samples; i++) {
    const drawn = yield* once(Chance.sampled(Chance.generator(seed * 10_007 + i)), seed + i)
    makespans.push(drawn.makespanMs)
    // Where nothing varies, as with hints, one run is like the other.
    if (i === FEW && makespans.every((one) => one === makespanMs)) break
  }
  const raw = Distribution.of(makespans.length === 0 ? [makespanMs] : makespans)
  return {
    ...outcome,
    timeline: rows(outcome),
    makespanMs: calibrated(
      raw,
      predictions.calibration(plan.planner, Predictions.startOf(outcome.coldStarts))
    ),
    rawMakespanMs: raw,
    meanRunMs: makespanMs,
    bytes: outcome.bytesRead + outcome.bytesWritten,
    cost: Prices.cost(prices, outcome),
    unknown: [...model.unknown]
  }
})

const samplesFor = (instances: number): number =>
  Math.max(SAMPLES.least, Math.min(SAMPLES.most, Math.floor(BUDGET / Math.max(1, instances))))

/** In the order in which they begin. Who runs what was not planned is left out. */
const rows = ({ instances, workers }: Pick<Run.Outcome, "instances" | "workers">) => {
  const named = new Set(workers.filter(({ isNamed }) => isNamed).map(({ name }) => name))
  return [...instances]
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ endMs, instance, startMs, worker }): Plan.Predicted => {
      const row = { node: Instance.nodeOf(instance), startMs, endMs }
      return named.has(worker) ? { ...row, worker } : row
    })
}
