/** Which workers will most likely invoke others. */
import type { Graph } from "@weft/core"

/** So many nodes are looked at, of a chain that one worker goes on with. */
const LOOKED_AT = 100

/**
 * Whether a node, or what its worker goes on with after it, makes more than one node ready, or a list, of which others get
 * what the worker does not keep.
 */
export const leadsToFanOut = (graph: Graph.Graph, node: number): boolean => {
  const { list, start } = graph.children
  let at = node
  for (let i = 0; i < LOOKED_AT; i++) {
    if (graph.kind(at) === "expand") return true
    const [first, end] = [start[at]!, start[at + 1]!]
    if (end - first !== 1) return end > first
    at = list[first]!
    // Not this worker's, but of whoever completes the last of several.
    if (graph.kind(at) === "collect" || graph.need[at]! > 1) return false
  }
  return false
}
