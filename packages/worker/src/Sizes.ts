/** How much memory a run's nodes and named workers need, for engines whose workers have sizes. */
import { type Graph, Instance, type InstanceId, Plan } from "@weft/core"

export class Sizes {
  private readonly graph: Graph.Graph
  private readonly plan: Plan.Plan
  /** In MiB, by node; 0 where it is not known yet. */
  private readonly known: Int32Array
  private workers: ReadonlyMap<string, number> | undefined

  constructor(graph: Graph.Graph, plan: Plan.Plan) {
    this.graph = graph
    this.plan = plan
    this.known = new Int32Array(graph.size)
  }

  /** What an instance needs, in MiB. */
  of(instance: InstanceId): number {
    const node = Instance.nodeOf(instance)
    if (this.known[node] === 0) this.known[node] = Plan.memoryOf(this.plan, this.graph, node)
    return this.known[node]!
  }

  /** What the instance that needs most needs, in MiB; of none 0. */
  most(instances: Iterable<InstanceId>): number {
    let most = 0
    for (const instance of instances) most = Math.max(most, this.of(instance))
    return most
  }

  /** What a worker that the plan named has, in MiB. */
  ofWorker(worker: string): number {
    this.workers ??= Plan.workerMemory(this.plan, this.graph)
    return this.workers.get(worker) ?? this.plan.memory
  }

  /** All sizes that workers of the run may have, in MiB, smallest first. */
  all(): ReadonlyArray<number> {
    const sizes = new Set<number>()
    for (let node = 0; node < this.graph.size; node++) {
      const worker = Plan.workerOf(this.plan, node)
      if (worker !== undefined) sizes.add(this.ofWorker(worker))
      // Also of what was given to a named worker: a flexible one may have to compute it again.
      sizes.add(this.of(node))
    }
    return [...sizes].sort((a, b) => a - b)
  }
}
