/**
 * A plan as an assignment: for evaluating plans of any planner with one and the same model.
 */
import { Preload, Prewarm } from "@weft/annotations"
import { Annotation, type Graph, Plan } from "@weft/core"
import { Assignment } from "@weft/planning"

export const fromPlan = (plan: Plan.Plan, graph: Graph.Graph): Assignment.Assignment => {
  const assignment = Assignment.flexible(graph, plan.memory)
  const workers = new Map<string, number>()
  const prewarm = new Map<number, NonNullable<ReturnType<typeof prewarmOf>>>()
  const prewarmOf = (node: number) =>
    Annotation.read(Prewarm, Plan.annotationsOf(plan, graph, node), graph.label(node))
  for (let node = 0; node < graph.size; node++) {
    assignment.memory[node] = Plan.memoryOf(plan, graph, node)
    const worker = Plan.workerOf(plan, node)
    if (worker !== undefined) {
      if (!workers.has(worker)) workers.set(worker, workers.size)
      assignment.worker[node] = workers.get(worker)!
    }
    const annotations = Plan.annotationsOf(plan, graph, node)
    if (Annotation.read(Preload, annotations, graph.label(node)) === true) assignment.preload[node] = 1
    const started = prewarmOf(node)
    if (started !== undefined) prewarm.set(node, started)
  }
  return { ...assignment, prewarm }
}
