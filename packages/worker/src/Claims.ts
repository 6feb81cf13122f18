/**
 * What a worker will run without asking: the nodes that follow from its work and from nothing else.
 *
 * A node all of whose parents this worker runs becomes ready here, so the worker just goes on with it, and tells
 * coordination later: chains and the lower levels of reductions cost no round trip. A flexible worker claims at most
 * one child of each node, so that a fan-out is still shared with others, and none that needs more memory than it has; a
 * named one claims whatever is planned for it. A worker that holds on to a value claims all that follows from it alone.
 */
import { Graph, Instance, type InstanceId, Plan } from "@weft/core"
import type { RunContext } from "./RunContext.ts"

export class Claims {
  private readonly context: RunContext
  private readonly worker: string
  private readonly named: boolean
  private readonly fits: (node: number) => boolean
  /** Claimed instances, and how many parents each still waits for. */
  private readonly waiting = new Map<InstanceId, number>()

  /** @param fits whether the worker has the memory for a node */
  constructor(
    context: RunContext,
    worker: string,
    named: boolean,
    fits: (node: number) => boolean = () => true
  ) {
    this.context = context
    this.worker = worker
    this.named = named
    this.fits = fits
  }

  /** Whether the worker will run the instance. */
  has(instance: InstanceId): boolean {
    return this.waiting.has(instance)
  }

  /** Claims what follows from `work`, which the worker is going to run. */
  adopt(work: ReadonlyArray<InstanceId>): void {
    this.claimFrom(work, new Set())
  }

  /** Claims all flexible nodes that are ready when `instance` is complete, and what follows from them. */
  cluster(instance: InstanceId): void {
    const following: Array<InstanceId> = []
    /** Those of them that have a child claimed already. */
    const kept = new Set<InstanceId>()
    for (const child of this.childrenOf(instance)) {
      const node = Instance.nodeOf(child)
      if (this.context.graph.need[node] !== 1) continue
      if (this.has(child)) {
        if (this.childrenOf(child).some((next) => this.has(next))) kept.add(child)
      } else if (Plan.workerOf(this.context.plan, node) === undefined && this.fits(node)) {
        this.waiting.set(child, 1)
      } else continue
      following.push(child)
    }
    this.claimFrom(following, kept)
  }

  /** The instances that follow from one within its scope. */
  private childrenOf(instance: InstanceId): ReadonlyArray<InstanceId> {
    const { children, graph } = this.context
    const { codes, scopeOf } = graph.columns
    const id = Instance.nodeOf(instance)
    const indices = Instance.indicesOf(instance)
    return Graph.neighbours(children, id)
      .filter((child) => scopeOf[child] === scopeOf[id] && codes[child] !== Graph.code.collect)
      .map((child) => (indices.length === 0 ? child : Instance.make(child, indices)))
  }

  /** @param kept of what is open already, those of whose children one is claimed */
  private claimFrom(work: ReadonlyArray<InstanceId>, kept: Set<InstanceId>): void {
    const { children, graph } = this.context
    const { scopeOf } = graph.columns
    const met = new Map<InstanceId, number>()
    const open = [...work]
    for (let at = 0; at < open.length; at++) {
      const instance = open[at]!
      const id = Instance.nodeOf(instance)
      const indices = Instance.indicesOf(instance)
      // Its readers run while it runs, so others run them.
      if (this.context.streamed.has(id)) continue
      for (let i = children.start[id]!; i < children.start[id + 1]!; i++) {
        const child = children.list[i]!
        if (scopeOf[child] !== scopeOf[id] || graph.columns.codes[child] === Graph.code.collect) continue
        const need = graph.need[child]!
        const childInstance = indices.length === 0 ? child : Instance.make(child, indices)
        const parents = need === 1 ? 1 : (met.get(childInstance) ?? 0) + 1
        if (parents < need) {
          met.set(childInstance, parents)
          continue
        }
        if (this.waiting.has(childInstance) || !this.mayClaim(child, instance, kept)) continue
        this.waiting.set(childInstance, need)
        open.push(childInstance)
      }
    }
  }

  private mayClaim(child: number, parent: InstanceId, kept: Set<InstanceId>): boolean {
    const planned = Plan.workerOf(this.context.plan, child)
    if (planned !== undefined) return planned === this.worker
    if (this.named || kept.has(parent) || !this.fits(child)) return false
    kept.add(parent)
    return true
  }

  /** A parent of a claimed instance is complete; whether the instance is ready now. */
  advance(instance: InstanceId): boolean {
    const waits = this.waiting.get(instance)! - 1
    if (waits > 0) this.waiting.set(instance, waits)
    return waits === 0
  }

  /** Others run the instance: what follows from it is not claimed any more. What was. */
  forget(instance: InstanceId): ReadonlyArray<InstanceId> {
    const { graph } = this.context
    const { scopeOf } = graph.columns
    const forgotten: Array<InstanceId> = []
    const indices = Instance.indicesOf(instance)
    const open = [Instance.nodeOf(instance)]
    this.waiting.delete(instance)
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const child of Graph.neighbours(graph.children, id)) {
        const childInstance = Instance.make(child, indices)
        if (scopeOf[child] !== scopeOf[id] || !this.waiting.delete(childInstance)) continue
        forgotten.push(childInstance)
        open.push(child)
      }
    }
    return forgotten
  }

  clear(): void {
    this.waiting.clear()
  }

  /** The instance is complete. */
  done(instance: InstanceId): void {
    this.waiting.delete(instance)
  }
}
