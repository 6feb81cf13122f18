/**
 * Assignments: a plan while a planner looks for it, in arrays that are cheap to copy and to change.
 */
import { Preload, Prewarm, type PrewarmOptions } from "@weft/annotations"
import type { Graph, Planner } from "@weft/core"

/** In {@link Assignment.worker}: no named worker. */
export const FLEXIBLE = -1

export interface Assignment {
  /** The index of each node's named worker, or {@link FLEXIBLE}. */
  readonly worker: Int32Array
  /** Memory of each node's worker, in MiB; that of all nodes of a named worker is the same. */
  readonly memory: Int32Array
  /** 1 for nodes whose inputs are preloaded. */
  readonly preload: Uint8Array
  /** What is started while a node runs. */
  readonly prewarm: ReadonlyMap<number, ReadonlyArray<PrewarmOptions>>
  /** By node: of what a named worker could run it runs the lowest first. Absent: in the order in which workers usually do. */
  readonly priority?: Int32Array
}

/** What each node's options ask for, in MiB; 0 where they ask for nothing. */
export const leastMemory = (graph: Graph.Graph): Int32Array => {
  let least = asked.get(graph)
  if (least === undefined) {
    least = Int32Array.from({ length: graph.size }, (_, id) => graph.options(id).memory ?? 0)
    asked.set(graph, least)
  }
  return least
}
const asked = new WeakMap<Graph.Graph, Int32Array>()

/** All nodes flexible, with this memory, or what their options ask for if that is more. */
export const flexible = (graph: Graph.Graph, memory: number): Assignment => ({
  worker: new Int32Array(graph.size).fill(FLEXIBLE),
  memory: leastMemory(graph).map((least) => Math.max(least, memory)),
  preload: new Uint8Array(graph.size),
  prewarm: new Map()
})

export const copy = ({ memory, preload, prewarm, worker, ...rest }: Assignment): Assignment => ({
  ...rest,
  worker: worker.slice(),
  memory: memory.slice(),
  preload: preload.slice(),
  prewarm: new Map(prewarm)
})

/** Writes memory and workers into the plan. */
export const assign = ({ memory, worker }: Assignment, to: Planner.Draft<never>): void => {
  for (let id = 0; id < worker.length; id++) {
    const own = worker[id]!
    to.assign(id, own === FLEXIBLE ? { memory: memory[id]! } : { memory: memory[id]!, worker: `w${own}` })
  }
}

/** Writes an assignment into the plan, annotations and all. */
export const draft = (assignment: Assignment, to: Planner.Draft<typeof Preload | typeof Prewarm>): void => {
  assign(assignment, to)
  for (const [id, isOn] of assignment.preload.entries()) if (isOn === 1) to.annotate(id, Preload(true))
  for (const [node, options] of assignment.prewarm) to.annotate(node, Prewarm(options))
}
