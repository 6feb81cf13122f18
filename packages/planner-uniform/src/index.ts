/**
 * `@weft/planner-uniform`: equal workers, assigned by predicted cost; preloading where it shortens the run.
 *
 * The first algorithm of the report: worker ids, critical path, preloading on it, again until nothing is gained.
 */
import { Preload, Prewarm, preloading, prewarming } from "@weft/annotations"
import { type Behaviour, type Planner, planner } from "@weft/core"
import { Assignment, Explaining, Model, Search, Settings } from "@weft/planning"

/** Options of the uniform planner. */
export interface UniformOptions extends Settings.PlannerOptions {
  /**
   * Memory of every worker, in MiB; a worker of tasks whose `memory` option asks for more gets that. Default: the size with
   * which the run is predicted to be shortest, or a smaller one that hardly makes it longer.
   */
  readonly memory?: number
}

/** Behaviours that a plan of this planner needs. */
export const behaviours: readonly [Behaviour.Behaviour<typeof Preload>, Behaviour.Behaviour<typeof Prewarm>] =
  [preloading, prewarming]

/**
 * Makes the uniform planner.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const uniform = (options: UniformOptions = {}): Planner.Planner<typeof Preload | typeof Prewarm> => {
  Settings.resolve(options)
  const { memory } = options
  if (memory !== undefined) Settings.whole("memory", memory, " of MiB")
  return planner({
    name: "uniform",
    annotations: [Preload, Prewarm],
    plan: ({ draft, environment, graph, predictions }) => {
      const settings = Settings.within(environment, options)
      const model = Model.make(graph, predictions, settings.model)
      const isUnknown = Explaining.isUnknown(model)
      const size = memory ?? (isUnknown ? Explaining.middle(model) : Search.bestMemory(model, settings))
      const chosen = isUnknown
        ? Search.evaluate(model, Assignment.flexible(graph, size))
        : Search.preloaded(model, settings, Search.placed(model, settings, size))
      Assignment.draft(chosen.assignment, draft)
      if (isUnknown) draft.note(Explaining.UNKNOWN_NOTE)
      Explaining.explain(model, chosen, draft)
    }
  })
}
