/**
 * Static schedules: what a depth-first search from each leaf of the graph meets.
 *
 * A leaf is a node that waits for nothing. Its schedule is all that can be reached from it; the schedules of several leaves
 * overlap where their ways join. They are kept as one number for each node, its place in the order of one search that goes
 * from leaf to leaf and meets no node twice: in each schedule, what the executor of a node becomes next is the child with the
 * least place (Carver et al., SoCC 2020, "Static Scheduling").
 */
import { Flow, Graph } from "@weft/core"

export interface Schedules {
  /** The nodes that wait for nothing, in the order of construction. */
  readonly leaves: ReadonlyArray<number>
  /** By node: when the search meets it, from 0. Elements of lists, which nobody runs, have -1. */
  readonly place: Int32Array
}

/**
 * Makes the schedules; O(n log n).
 *
 * @param cost how long one call of a node takes: of several children the search goes to that with the longest way before it
 *   first, so that the critical path is not what has to wait for the start of another worker
 */
export const schedules = (graph: Graph.Graph, cost: (node: number) => number): Schedules => {
  const ahead = waysAhead(graph, cost)
  const longestFirst = (a: number, b: number) => ahead[b]! - ahead[a]! || a - b
  const place = new Int32Array(graph.size).fill(-1)
  const leaves = Flow.initial(graph)
  let count = 0
  for (const leaf of leaves) {
    const open = [leaf]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (place[node] !== -1) continue
      place[node] = count++
      // What is pushed last is met first.
      const children = Graph.neighbours(graph.children, node).filter((child) => place[child] === -1)
      open.push(...children.toSorted(longestFirst).reverse())
    }
  }
  return { leaves, place }
}

/** The schedule of one leaf: what can be reached from it, in the order of a depth-first search that follows the places. */
export const scheduleOf = (graph: Graph.Graph, { place }: Schedules, leaf: number): ReadonlyArray<number> => {
  const met = new Set<number>()
  const open = [leaf]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (met.has(node)) continue
    met.add(node)
    open.push(...Graph.neighbours(graph.children, node).toSorted((a, b) => place[b]! - place[a]!))
  }
  return [...met]
}

/** By node, the longest way from its begin to the end of the graph. Children have larger ids. */
const waysAhead = ({ children, size }: Graph.Graph, cost: (node: number) => number): Float64Array => {
  const ahead = new Float64Array(size)
  for (let node = size - 1; node >= 0; node--) {
    let most = 0
    for (let i = children.start[node]!; i < children.start[node + 1]!; i++)
      most = Math.max(most, ahead[children.list[i]!]!)
    ahead[node] = most + cost(node)
  }
  return ahead
}
