/**
 * What baselines have in common: options, and how a placement becomes a plan.
 */
import { type Planner, planner } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Assignment from "../Assignment.ts"
import * as Explaining from "../Explaining.ts"
import * as Model from "../Model.ts"
import * as Settings from "../Settings.ts"
import { bestMemory } from "../search/Equal.ts"
import { isNameable, settle } from "../search/Placement.ts"
import { evaluate } from "../search/Search.ts"

export interface BaselineOptions extends Omit<Settings.PlannerOptions, "maxWorkers" | "tasksPerWorker"> {
  /** How many workers there are. Default: 8, or what the environment lets run at the same moment if that is less. */
  readonly workers?: number
  /** Memory of every worker, in MiB. Default: that of `planner-uniform`. */
  readonly memory?: number
}

/** Gives nodes their workers, by index. */
export type Placing = (model: Model.Model, memory: number, workers: number) => Effect.Effect<Int32Array>

/**
 * Makes a planner of a placement.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const baseline = (name: string, options: BaselineOptions, placing: Placing): Planner.Planner => {
  const { memory, workers, ...rest } = options
  const own = workers === undefined ? rest : { ...rest, maxWorkers: workers }
  Settings.resolve(own)
  if (memory !== undefined) Settings.whole("memory", memory, " of MiB")
  return planner({
    name,
    annotations: [],
    plan: ({ draft, environment, graph, predictions }) =>
      Effect.gen(function* () {
        const settings = Settings.within(environment, own)
        const count = workers === undefined ? Math.min(8, settings.maxWorkers) : settings.maxWorkers
        const model = Model.make(graph, predictions, settings.model)
        const size = memory ?? bestMemory(model, settings)
        const worker = yield* placing(model, size, count)
        for (let id = 0; id < graph.size; id++) if (!isNameable(graph, id)) worker[id] = Assignment.FLEXIBLE
        const placed = { ...Assignment.flexible(graph, size), worker }
        const evaluated = evaluate(model, settle(model, placed))
        Assignment.assign(evaluated.assignment, draft)
        Explaining.explain(model, evaluated, draft)
      })
  })
}
