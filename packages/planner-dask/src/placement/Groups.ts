/**
 * Groups of nodes that belong together: calls of the same task.
 */
import { Graph } from "@weft/core"
import type { Cluster } from "./Cluster.ts"

export interface Group {
  /** How many nodes there are, and how many have no worker yet. */
  readonly size: number
  left: number
  /** Whether nodes are roots, or like roots: there are many more than workers, and all read the same few values or none. */
  readonly isRootish: boolean
  /** The worker that got the last one, and how many more it gets. */
  last: { readonly worker: number; readonly more: number } | undefined
}

/** A group is large if it has more than this many nodes for each worker. */
const LARGE = 2
/** Groups that read from so many groups, or so many nodes, are not like roots. */
const FEW = 5

/** The group of each node; `isPlaced` says which nodes get workers, the others make groups of their own. */
export const make = (
  graph: Graph.Graph,
  workers: number,
  isPlaced: (node: number) => boolean
): ReadonlyArray<Group> => {
  const nodes = new Map<string, Array<number>>()
  const nameOf = (id: number) => `${isPlaced(id) ? "" : "each "}${graph.name(id)}`
  for (let id = 0; id < graph.size; id++) {
    const known = nodes.get(nameOf(id))
    if (known === undefined) nodes.set(nameOf(id), [id])
    else known.push(id)
  }
  const groups = new Array<Group>(graph.size)
  for (const members of nodes.values()) {
    const reads = new Set<string>()
    for (const id of members) {
      for (const input of Graph.neighbours(graph.inputs, id)) reads.add(nameOf(input))
      if (reads.size >= FEW) break
    }
    const read = [...reads].reduce((sum, name) => sum + nodes.get(name)!.length, 0)
    const size = members.length
    const isRootish = size > LARGE * workers && reads.size < FEW && read < FEW
    const group: Group = { size, left: size, isRootish, last: undefined }
    for (const id of members) groups[id] = group
  }
  return groups
}

/**
 * The worker of a root-like node: neighbours go to the same worker, so that what reads several of them finds them there. A
 * new worker is the one that could start first, of the idle ones if there are any.
 *
 * Nodes have to be asked for in order of their priorities.
 */
export const choose = (group: Group, node: number, cluster: Cluster): number => {
  const { last } = group
  const next =
    last !== undefined && last.more > 0
      ? last
      : { worker: cluster.soonest(node, orAll(cluster)), more: Math.floor(group.size / cluster.size) }
  group.left--
  group.last = group.left > 0 ? { worker: next.worker, more: next.more - 1 } : undefined
  return next.worker
}

/** The idle workers, or all if none is idle. */
export const orAll = (cluster: Cluster): ReadonlyArray<number> => {
  const idle = cluster.idle()
  return idle.length > 0 ? idle : cluster.all()
}
