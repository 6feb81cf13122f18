/**
 * Planners compared: each makes its plan, and each plan is simulated.
 */
import { type Behaviour, type Graph, Plan, Planner, type Predictions } from "@weft/core"
import { type Environment, Simulator } from "@weft/planning"
import * as Effect from "effect/Effect"

/** What one planner's plan should lead to. */
export interface Compared {
  readonly name: string
  readonly plan: Plan.Plan
  /** How long planning took, in ms. */
  readonly planningMs: number
  readonly simulation: Simulator.Simulation
}

/** What is compared, for people. */
export interface About {
  readonly workflow: string
  readonly engine: string
  /** By what the best planner is told. */
  readonly sla: Predictions.Sla
  /** How many runs of the workflow predictions rest on. */
  readonly runs: number
}

interface Setting {
  readonly graph: Graph.Graph
  readonly predictions: Predictions.Predictions
  readonly environment: Environment.Environment
  readonly samples: number | undefined
  readonly seed: number
}

/** Compares planners, one after the other. */
export const compare = (
  { environment, graph, predictions, samples, seed }: Setting,
  planners: ReadonlyArray<{
    readonly name: string
    readonly planner: Planner.AnyPlanner
    readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  }>
): Effect.Effect<
  ReadonlyArray<Compared>,
  Simulator.TooLarge | Simulator.SimulationFailed | Plan.InvalidPlan
> =>
  Effect.forEach(
    planners,
    Effect.fnUntraced(function* ({ behaviours, name, planner }) {
      const began = performance.now()
      const plan = yield* Planner.run(planner, graph, predictions, environment)
      const planningMs = performance.now() - began
      yield* Effect.try({
        try: () => Plan.check(plan, graph, planner.annotations),
        catch: (error) => error as Plan.InvalidPlan
      })
      const simulation = yield* Simulator.simulate({
        graph,
        plan,
        behaviours,
        predictions,
        environment,
        seed,
        ...(samples === undefined ? {} : { samples })
      })
      return { name, plan, planningMs, simulation }
    })
  )

/** What the planners are told apart by, in ms. */
export const makespanBy = ({ simulation }: Compared, sla: Predictions.Sla): number =>
  sla === "average" ? simulation.makespanMs.mean : simulation.makespanMs.percentile(sla)

/** The best; of equal ones the cheapest. */
export const best = (compared: ReadonlyArray<Compared>, sla: Predictions.Sla): Compared =>
  compared.reduce((one, other) => {
    const [a, b] = [makespanBy(one, sla), makespanBy(other, sla)]
    return b < a || (b === a && other.simulation.cost < one.simulation.cost) ? other : one
  })
