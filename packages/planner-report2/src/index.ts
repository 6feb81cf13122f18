/**
 * `@weft/planner-report2`: the best memory everywhere, less of it off the critical path, then preloading and prewarming.
 *
 * The second algorithm of the report.
 */
import { Preload, Prewarm, preloading, prewarming } from "@weft/annotations"
import { type Behaviour, type Planner, planner } from "@weft/core"
import { Assignment, Explaining, Model, Search, Settings } from "@weft/planning"

/** Options of the planner. */
export interface Report2Options extends Settings.PlannerOptions {}

/** Behaviours that a plan of this planner needs. */
export const behaviours: readonly [Behaviour.Behaviour<typeof Preload>, Behaviour.Behaviour<typeof Prewarm>] =
  [preloading, prewarming]

/**
 * Makes the planner of the report's second algorithm.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const report2 = (options: Report2Options = {}): Planner.Planner<typeof Preload | typeof Prewarm> => {
  Settings.resolve(options)
  return planner({
    name: "report2",
    annotations: [Preload, Prewarm],
    plan: ({ draft, environment, graph, predictions }) => {
      const settings = Settings.within(environment, options)
      const model = Model.make(graph, predictions, settings.model)
      const isUnknown = Explaining.isUnknown(model)
      const chosen = isUnknown
        ? Search.evaluate(model, Assignment.flexible(graph, Explaining.middle(model)))
        : chooseFrom(model, settings)
      Assignment.draft(chosen.assignment, draft)
      if (isUnknown) draft.note(Explaining.UNKNOWN_NOTE)
      Explaining.explain(model, chosen, draft)
    }
  })
}

/** Runs whose predicted lengths differ by less than this share are equally long: then the cheaper one is better. */
const EQUALLY_LONG = 0.03

/**
 * Plans twice, from each worker's best memory and from the plan of equal workers, and takes the shorter; a plan that is hardly
 * shorter than that of equal workers, but costs more, is not worth it.
 */
const chooseFrom = (model: Model.Model, settings: Settings.Settings): Search.Evaluated => {
  const placed = Search.placed(model, settings, Search.bestMemory(model, settings))
  const equal = Search.preloaded(model, settings, placed)
  const best = Search.evaluate(model, Search.bestForEach(model, placed.assignment))
  const isWorthIt = ({ timeline }: Search.Evaluated) =>
    timeline.makespanMs < equal.timeline.makespanMs * (1 - EQUALLY_LONG) ||
    timeline.gbSeconds <= equal.timeline.gbSeconds
  const candidates = [...refined(model, best), ...refined(model, equal)]
  return [equal, ...candidates.filter(isWorthIt)].reduce((a, b) =>
    Search.isBetter(b.timeline, a.timeline) ? b : a
  )
}

/** Less memory off the critical path; then preloading and prewarming; then less memory where these have left slack. */
const refined = (model: Model.Model, from: Search.Evaluated): ReadonlyArray<Search.Evaluated> => {
  const search = new Search.Search(model, from, Search.budget(model.unrolled.size) / 2)
  const part = search.left / 4
  search.within(part, () => Search.lower(search))
  const lowered = search.best
  search.within(part, () => Search.preloads(search))
  const preloaded = search.best
  search.within(part, () => Search.prewarms(search))
  search.within(part, () => Search.lower(search))
  return [lowered, preloaded, search.best]
}
