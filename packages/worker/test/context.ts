/** What a worker knows of a run of some nodes. */
import { GraphBuilder, Plan } from "@weft/core"
import { RunContext } from "../src/index.ts"

export const contextOf = (
  targets: unknown,
  workers: ReadonlyArray<readonly [node: number, worker: string]> = []
): RunContext => {
  const { graph, tasks } = GraphBuilder.make(targets, "test")
  const plan: Plan.Plan = {
    planner: "test",
    memory: Plan.DEFAULT_MEMORY,
    nodes: new Map(workers.map(([node, worker]) => [node, { worker }])),
    annotations: {},
    notes: [],
    timeline: []
  }
  return new RunContext({ run: "run", graph, plan, tasks, behaviours: [] })
}
