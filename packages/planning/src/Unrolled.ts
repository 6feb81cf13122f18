/**
 * The instances of a graph, as far as the lengths of its lists can be predicted: what timing models count with.
 *
 * Without `each` the instances are the nodes. A node inside lists has as many instances as these are long, numbered one
 * after another, the innermost list fastest. Items are no instances: they come with what opens their list.
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
  /** How many instances each node has; items have none. */
  readonly count: Int32Array
  /** How long the list of each scope is counted; 1 for scope 0. */
  readonly widths: ReadonlyArray<number>
  /** Order: what must be complete before each instance, and what each brings nearer. */
  readonly parents: Graph.Adjacency
  readonly children: Graph.Adjacency
  /** Data: whose values each instance reads; for an item what opened its list. */
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
      widths: [1],
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
  const rows = new Rows({ graph, node, first, count, widths, size })
  const parents = rows.of(graph.parents)
  return {
    graph,
    size,
    node,
    first,
    count,
    widths,
    parents,
    children: Graph.transpose(parents, size),
    inputs: rows.of(graph.inputs)
  }
}

/** Writes edges of nodes out for their instances. */
class Rows {
  private readonly parts: Pick<Unrolled, "graph" | "node" | "first" | "count" | "widths" | "size">
  private readonly depths: ReadonlyArray<number>
  private list = new Int32Array(1024)
  private length = 0

  constructor(parts: Rows["parts"]) {
    this.parts = parts
    const depths: Array<number> = []
    // A scope comes after the one around it.
    for (const { parent } of parts.graph.columns.scopes)
      depths.push(depths.length === 0 ? 0 : depths[parent]! + 1)
    this.depths = depths
  }

  of({ list, start }: Graph.Adjacency): Graph.Adjacency {
    const { count, first, graph, node, size } = this.parts
    const { codes, scopeOf, scopes } = graph.columns
    const rows = new Int32Array(size + 1)
    this.length = 0
    for (let at = 0; at < size; at++) {
      const id = node[at]!
      const from = this.length
      for (let e = start[id]!; e < start[id + 1]!; e++) {
        const other = list[e]!
        // An element comes with the completion of what opened its list.
        const source = codes[other] === Graph.code.item ? scopes[scopeOf[other]!]!.expand! : other
        this.seen(scopeOf[id]!, at - first[id]!, source, from, count)
      }
      rows[at + 1] = this.length
    }
    return { start: rows, list: this.list.slice(0, this.length) }
  }

  /** The instances of `other` that the instance `index` of a node in `scope` has to do with, each once. */
  private seen(scope: number, index: number, other: number, from: number, count: Int32Array) {
    const { first, graph, widths } = this.parts
    const { scopeOf, scopes } = graph.columns
    const target = scopeOf[other]!
    let at = index
    let s = scope
    for (let up = this.depths[scope]! - this.depths[target]!; up > 0; up--) {
      at = Math.floor(at / Math.max(1, widths[s]!))
      s = scopes[s]!.parent
    }
    if (count[other] === 0) return
    if (s === target) {
      const instance = first[other]! + at
      if (this.list.subarray(from, this.length).includes(instance)) return
      this.add(instance)
      return
    }
    // One list further inside: all of its elements.
    const inner = widths[target]!
    for (let k = 0; k < inner; k++) this.add(first[other]! + at * inner + k)
  }

  private add(instance: number) {
    if (this.length === this.list.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.list)
      this.list = larger
    }
    this.list[this.length++] = instance
  }
}

/** Lengths of lists by scope, and how often each scope's body is run. */
const fitting = (graph: Graph.Graph, width: (expand: number) => number) => {
  const { codes, scopeOf, scopes } = graph.columns
  const bodies = new Int32Array(scopes.length)
  for (let id = 0; id < graph.size; id++) if (codes[id] !== Graph.code.item) bodies[scopeOf[id]!]!++
  const wanted = scopes.map(({ expand }) => {
    const length = expand === undefined ? 1 : Math.round(width(expand))
    return Number.isNaN(length) ? 0 : Math.min(MOST, Math.max(0, length))
  })
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
