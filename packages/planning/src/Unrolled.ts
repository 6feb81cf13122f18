/**
 * The instances of a graph, as far as the lengths of its lists can be predicted: what timing models count with.
 *
 * Without `each` the instances are the nodes. A node inside lists has as many instances as these are long, numbered one
 * after another, the innermost list fastest.
 */
import { Graph } from "@weft/core"

export interface Unrolled {
  readonly graph: Graph.Graph
  /** How many instances there are. */
  readonly size: number
  /** The node of each instance. */
  readonly node: Int32Array
  /** The first instance of each node. */
  readonly first: Int32Array
  /** How many instances each node has. */
  readonly count: Int32Array
  /** Order: what must be complete before each instance, and what each brings nearer. */
  readonly parents: Graph.Adjacency
  readonly children: Graph.Adjacency
  /** Data: whose values each instance reads. */
  readonly inputs: Graph.Adjacency
}

/** So many instances are counted with at most; longer lists are shortened in proportion. */
const MOST = 2_000_000

/** @param width how long the list is that a node (`expand`) opens */
export const make = (graph: Graph.Graph, width: (expand: number) => number): Unrolled => {
  const { codes, scopeOf, scopes } = graph.columns
  const nodes = graph.size
  if (scopes.length === 1) {
    const node = Int32Array.from({ length: nodes }, (_, id) => id)
    return {
      graph,
      size: nodes,
      node,
      first: node,
      count: new Int32Array(nodes).fill(1),
      parents: graph.parents,
      children: graph.children,
      inputs: graph.inputs
    }
  }
  const { counts, widths } = fitting(graph, width)
  const count = new Int32Array(nodes)
  const first = new Int32Array(nodes)
  let size = 0
  for (let id = 0; id < nodes; id++) {
    first[id] = size
    count[id] = codes[id] === Graph.code.item ? 0 : counts[scopeOf[id]!]!
    size += count[id]!
  }
  const node = new Int32Array(size)
  for (let id = 0; id < nodes; id++) node.fill(id, first[id]!, first[id]! + count[id]!)

  /** The instances of `other` that the instance `index` of a node in `scope` has to do with. */
  const seen = (scope: number, index: number, other: number, add: (instance: number) => void) => {
    let at = index
    let s = scope
    const depthOf = (scope: number): number => (scope === 0 ? 0 : 1 + depthOf(scopes[scope]!.parent))
    for (let up = depthOf(scope) - depthOf(scopeOf[other]!); up > 0; up--) {
      at = widths[s] === 0 ? 0 : Math.floor(at / widths[s]!)
      s = scopes[s]!.parent
    }
    if (s === scopeOf[other]) {
      if (count[other]! > 0) add(first[other]! + at)
      return
    }
    // One list further inside: all of its elements.
    const inner = widths[scopeOf[other]!]!
    for (let k = 0; k < inner && count[other]! > 0; k++) add(first[other]! + at * inner + k)
  }
  const adjacency = (of: Graph.Adjacency): Graph.Adjacency => {
    const start = new Int32Array(size + 1)
    const list: Array<number> = []
    for (let id = 0; id < nodes; id++) {
      for (let i = 0; i < count[id]!; i++) {
        for (let e = of.start[id]!; e < of.start[id + 1]!; e++) {
          let other = of.list[e]!
          // An element comes with the completion of what opened its list.
          if (codes[other] === Graph.code.item) other = scopes[scopeOf[other]!]!.expand!
          seen(scopeOf[id]!, i, other, (instance) => list.push(instance))
        }
        start[first[id]! + i + 1] = list.length
      }
    }
    return { start, list: Int32Array.from(list) }
  }
  const parents = adjacency(graph.parents)
  return {
    graph,
    size,
    node,
    first,
    count,
    parents,
    children: Graph.transpose(parents, size),
    inputs: adjacency(graph.inputs)
  }
}

/** Lengths of lists by scope, and how often each scope's body is run. */
const fitting = (graph: Graph.Graph, width: (expand: number) => number) => {
  const { codes, scopeOf, scopes } = graph.columns
  const bodies = new Int32Array(scopes.length)
  for (let id = 0; id < graph.size; id++) if (codes[id] !== Graph.code.item) bodies[scopeOf[id]!]!++
  const wanted = scopes.map(({ expand }) =>
    expand === undefined ? 1 : Math.max(0, Math.round(width(expand)))
  )
  for (let share = 1; ; share /= 2) {
    const widths = wanted.map((one, scope) =>
      scope === 0 ? 1 : Math.min(one, Math.max(1, Math.floor(one * share)))
    )
    const counts = new Array<number>(scopes.length).fill(1)
    // A scope comes after the one around it.
    for (let scope = 1; scope < scopes.length; scope++)
      counts[scope] = counts[scopes[scope]!.parent]! * widths[scope]!
    const size = counts.reduce((sum, one, scope) => sum + one * bodies[scope]!, 0)
    if (size <= MOST || widths.every((one) => one <= 1)) return { counts, widths }
  }
}
