/**
 * `@weft/planner-dask`: Dask's static ordering and its choice of workers, as a plan.
 */
import { Priority, prioritizing } from "@weft/annotations"
import { type Behaviour, type Planner, planner } from "@weft/core"
import { Assignment, Explaining, Model, Search, Settings } from "@weft/planning"
import * as Dag from "./Dag.ts"
import { order } from "./Order.ts"
import { schedule } from "./placement/Scheduler.ts"

export { type DagInput, InvalidDag } from "./Dag.ts"
export { priorities } from "./Order.ts"

/** Options of the Dask planner. */
export interface DaskOptions extends Omit<Settings.PlannerOptions, "maxWorkers" | "tasksPerWorker"> {
  /**
   * How many workers there are; each runs one task at a time. Default: 8, or what the environment lets run at the same
   * moment if that is less.
   */
  readonly workers?: number
  /**
   * Memory of every worker, in MiB; if a task's `memory` option asks for more, a worker that runs it has that. Default: the
   * size with which a run of equal workers is predicted to be shortest, or the middle one if nothing is known.
   */
  readonly memory?: number
  /** Whether the plan has what work stealing would have led to. Default true, as in Dask. */
  readonly workStealing?: boolean
}

/** Behaviours that a plan of this planner needs. */
export const behaviours: readonly [Behaviour.Behaviour<typeof Priority>] = [prioritizing]

/**
 * Makes the Dask planner.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const dask = (options: DaskOptions = {}): Planner.Planner<typeof Priority> => {
  const { memory, workStealing = true, workers, ...rest } = options
  Settings.resolve(rest)
  if (workers !== undefined) Settings.whole("workers", workers)
  if (memory !== undefined) Settings.whole("memory", memory, " of MiB")
  if (typeof workStealing !== "boolean")
    throw new RangeError(`workStealing is ${String(workStealing)}; it must be true or false`)
  return planner({
    name: "dask",
    annotations: [Priority],
    plan: ({ draft, environment, graph, predictions }) => {
      const settings = Settings.within(environment, rest)
      const count = Math.min(workers ?? 8, settings.maxWorkers)
      const model = Model.make(graph, predictions, settings.model)
      const isUnknown = Explaining.isUnknown(model)
      const size = memory ?? (isUnknown ? Explaining.middle(model) : Search.bestMemory(model, settings))
      const priority = order(Dag.ofGraph(graph))
      const isPlaced = (node: number) => Search.isNameable(graph, node)
      const worker = schedule(model, {
        priority,
        workers: count,
        memory: size,
        stealing: workStealing,
        isPlaced
      })
      const assignment = Search.settle(model, { ...Assignment.flexible(graph, size), worker, priority })
      Assignment.assign(assignment, draft)
      for (let id = 0; id < graph.size; id++) if (isPlaced(id)) draft.annotate(id, Priority(priority[id]!))
      if (isUnknown) draft.note(UNKNOWN_NOTE)
      if (workers !== undefined && count < workers)
        draft.note(`${workers} workers were asked for, and ${count} can run at the same moment`)
      Explaining.explain(model, Search.evaluate(model, assignment), draft)
    }
  })
}

const UNKNOWN_NOTE =
  "nothing is known of any task, no history and no hints: workers were chosen as if all took the same time"
