/**
 * The graph that is ordered: names and dependencies, nothing else.
 */
import { Graph } from "@weft/core"
import * as Data from "effect/Data"

/** A graph as people write it: for each node its name and the indices of the nodes that it depends on. */
export interface DagInput {
  /** All different. They decide last, where nothing else tells two nodes apart, compared as strings. */
  readonly names: ReadonlyArray<string>
  readonly dependencies: ReadonlyArray<ReadonlyArray<number>>
}

/** The same, ready to be walked in both directions. */
export interface Dag {
  readonly size: number
  readonly dependencies: Graph.Adjacency
  readonly dependents: Graph.Adjacency
  /** The place of each node's name among all names. */
  readonly rank: Int32Array
  /** The nodes such that each comes after those that it depends on. */
  readonly topological: Int32Array
}

/** What cannot be ordered. */
export class InvalidDag extends Data.TaggedError("InvalidDag")<{ readonly reason: string }> {
  override get message() {
    return `the graph cannot be ordered: ${this.reason}`
  }
}

/**
 * Checks a graph.
 *
 * @throws {InvalidDag} for a name that stands twice, a dependency that does not exist, or a cycle
 */
export const make = ({ dependencies, names }: DagInput): Dag => {
  const size = names.length
  if (dependencies.length !== size)
    throw new InvalidDag({
      reason: `there are ${size} names and ${dependencies.length} lists of dependencies`
    })
  const start = new Int32Array(size + 1)
  const list: Array<number> = []
  for (const [node, own] of dependencies.entries()) {
    for (const dependency of new Set(own)) {
      if (!(Number.isInteger(dependency) && dependency >= 0 && dependency < size))
        throw new InvalidDag({
          reason: `"${names[node]}" depends on node ${dependency}; the nodes are 0 to ${size - 1}`
        })
      list.push(dependency)
    }
    start[node + 1] = list.length
  }
  return walkable(names, { start, list: Int32Array.from(list) })
}

/**
 * A weft graph, each node of a body of an `each` once.
 *
 * Names are made as Dask's collections make theirs, so that calls that were made one after the other are neighbours: the
 * task's name, then the node's number, filled up with zeros (`blur#0017`).
 */
export const ofGraph = (graph: Graph.Graph): Dag => {
  const digits = String(graph.size).length
  const names = Array.from(
    { length: graph.size },
    (_, id) => `${graph.name(id)}#${String(id).padStart(digits, "0")}`
  )
  return walkable(names, graph.parents)
}

const walkable = (names: ReadonlyArray<string>, dependencies: Graph.Adjacency): Dag => {
  const size = names.length
  const dependents = Graph.transpose(dependencies, size)
  return {
    size,
    dependencies,
    dependents,
    rank: ranks(names),
    topological: sorted(names, dependencies, dependents)
  }
}

const ranks = (names: ReadonlyArray<string>): Int32Array => {
  const order = Int32Array.from(names, (_, node) => node).sort((a, b) => compareNames(names[a]!, names[b]!))
  const rank = new Int32Array(names.length)
  for (const [at, node] of order.entries()) {
    if (at > 0 && names[order[at - 1]!] === names[node])
      throw new InvalidDag({ reason: `the name "${names[node]}" stands twice` })
    rank[node] = at
  }
  return rank
}

/** By code points, as Python does; JavaScript's own comparison takes surrogates for smaller than U+E000. */
const compareNames = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue
    // Between the two halves of a pair, the pair's first half was equal: comparing the halves is right, too.
    return a.codePointAt(i)! - b.codePointAt(i)!
  }
  return a.length - b.length
}

const sorted = (
  names: ReadonlyArray<string>,
  dependencies: Graph.Adjacency,
  dependents: Graph.Adjacency
): Int32Array => {
  const size = names.length
  const waits = new Int32Array(size)
  const order = new Int32Array(size)
  let length = 0
  for (let node = 0; node < size; node++) {
    waits[node] = degree(dependencies, node)
    if (waits[node] === 0) order[length++] = node
  }
  for (let at = 0; at < length; at++) {
    const node = order[at]!
    for (let i = dependents.start[node]!; i < dependents.start[node + 1]!; i++) {
      const dependent = dependents.list[i]!
      if (--waits[dependent]! === 0) order[length++] = dependent
    }
  }
  if (length < size) {
    const stuck = names.filter((_, node) => waits[node]! > 0).slice(0, 5)
    throw new InvalidDag({ reason: `there is a cycle, on it or after it ${stuck.join(", ")}` })
  }
  return order
}

/** How many neighbours a node has. */
export const degree = ({ start }: Graph.Adjacency, node: number): number => start[node + 1]! - start[node]!
