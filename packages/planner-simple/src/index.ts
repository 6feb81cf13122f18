/**
 * `@weft/planner-simple`: the one-pass planner, kept as the reference that other planners are compared with.
 *
 * All workers have the same resources and none is named: who runs what is settled among the workers while they run.
 */

import type { Planner } from "@weft/core"
import { type Graph, Plan, planner } from "@weft/core"

/** Options of the simple planner. */
export interface SimpleOptions {
  /**
   * Memory of every worker, in MiB; tasks whose `memory` option asks for more get that. Default 1,024, or the most that
   * a task asks for, if more.
   */
  readonly memory?: number
}

/**
 * Makes the simple planner. It emits no annotations, uses no history, and takes one pass over the tasks.
 *
 * @throws {RangeError} if the memory is not a whole number above 0
 */
export const simple = (options: SimpleOptions = {}): Planner.Planner => {
  const { memory } = options
  if (memory !== undefined && !(Number.isInteger(memory) && memory > 0)) {
    throw new RangeError(`memory is ${memory}; it must be a whole number of MiB above 0`)
  }
  return planner({
    name: "simple",
    annotations: [],
    usesHistory: false,
    plan: ({ draft, graph }) => {
      draft.setMemory(memory ?? Math.max(Plan.DEFAULT_MEMORY, mostAskedFor(graph)))
    }
  })
}

const mostAskedFor = (graph: Graph.Graph): number => {
  let most = 0
  for (const task of graph.columns.tasks) most = Math.max(most, task.options.memory ?? 0)
  for (const options of graph.columns.options.values()) most = Math.max(most, options.memory ?? 0)
  return most
}
