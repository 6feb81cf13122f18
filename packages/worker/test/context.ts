/** What a worker knows of a run of some nodes. */
import { GraphBuilder, Plan } from "@weft/core"
import { RunContext } from "../src/index.ts"

export const contextOf = (
  targets: unknown,
  workers: ReadonlyArray<readonly [node: number, worker: string]> = []
): RunContext => {
  const { graph, tasks } = GraphBuilder.make(targets, "test")
  const plan = Plan.make("test", { nodes: new Map(workers.map(([node, worker]) => [node, { worker }])) })
  return new RunContext({ run: "run", graph, plan, tasks, behaviours: [] })
}
