/**
 * Measures of a graph that its ordering compares.
 *
 *     c           final: b2 and c, nobody depends on them       b1: total dependencies 2 (a, b1), total dependents 2
 *     |
 *     b1  b2      a: total dependents 4 (a, b1, c, b2), min and max dependencies 2 and 3 (those of b2 and c),
 *      \  /          min and max height 1 and 2 (up to b2 and c)
 *       a
 *
 * Totals count along all paths, as Dask's do: what is reached in two ways counts twice. So they grow exponentially with
 * depth in a mesh, and are exact integers of any size there. Here they are doubles while these are exact, and whole numbers
 * of up to 1,024 bits otherwise; larger totals, which take more than 1,000 nodes, count as equally large.
 */
import type { Graph } from "@weft/core"
import type { Dag } from "./Dag.ts"

/** Values that are compared only: where totals are huge, their places among all of them. */
export type Comparable = Float64Array

export interface Measures {
  /** How much has to run for a node, itself included. */
  readonly totalDependencies: Comparable
  /** How much can only run after a node, itself included. */
  readonly totalDependents: Comparable
  /** The least and the most total dependencies of final nodes that need the node. */
  readonly minDependencies: Comparable
  readonly maxDependencies: Comparable
  /** The least and the most steps to a final node. */
  readonly minHeight: Int32Array
  readonly maxHeight: Int32Array
  /**
   * The less, the sooner a node's dependents should be finished: how much else the smallest goal of the node needs, times
   * how much follows from it beyond one way up.
   */
  readonly partition: Comparable
  /** Whether the partition of `a`, so many times, is more than that of `b`, so many times. */
  readonly exceeds: (a: number, timesA: number, b: number, timesB: number) => boolean
}

export const make = (dag: Dag): Measures => {
  const heights = { minHeight: new Int32Array(dag.size), maxHeight: new Int32Array(dag.size) }
  climb(dag, heights)
  const totals = totalsOf(dag, heights.minHeight, doubles)
  const { partition } = totals
  if (totals.all.every((column) => column.every((value) => value < EXACT))) {
    const [totalDependencies, totalDependents, minDependencies, maxDependencies] = totals.all.map((column) =>
      Float64Array.from(column)
    )
    return {
      ...heights,
      totalDependencies: totalDependencies!,
      totalDependents: totalDependents!,
      minDependencies: minDependencies!,
      maxDependencies: maxDependencies!,
      partition: Float64Array.from(partition),
      exceeds: (a, timesA, b, timesB) => partition[a]! * timesA > partition[b]! * timesB
    }
  }
  return large(dag, heights)
}

/** Products with the factors of the ordering stay exact below this, where they decide. */
const EXACT = 2 ** 48

const large = (dag: Dag, heights: Pick<Measures, "minHeight" | "maxHeight">): Measures => {
  const { all, partition } = totalsOf(dag, heights.minHeight, bigints)
  // Total dependencies and those of final nodes are the same kind of number, but each is compared with its own kind only.
  const [totalDependencies, totalDependents, minDependencies, maxDependencies, comparable] = all.map(places)
  return {
    ...heights,
    totalDependencies: totalDependencies!,
    totalDependents: totalDependents!,
    minDependencies: minDependencies!,
    maxDependencies: maxDependencies!,
    partition: comparable!,
    exceeds: (a, timesA, b, timesB) => partition[a]! * BigInt(timesA) > partition[b]! * BigInt(timesB)
  }
}

/** The place of each value among the different ones. */
const places = (values: ReadonlyArray<bigint>): Comparable => {
  const order = Int32Array.from(values, (_, node) => node).sort((a, b) =>
    values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0
  )
  const place = new Float64Array(values.length)
  for (let at = 1; at < order.length; at++)
    place[order[at]!] = place[order[at - 1]!]! + (values[order[at]!] === values[order[at - 1]!] ? 0 : 1)
  return place
}

/** Least and most steps to a final node. */
const climb = (
  { dependents, size, topological }: Dag,
  { maxHeight, minHeight }: Pick<Measures, "minHeight" | "maxHeight">
) => {
  for (let at = size - 1; at >= 0; at--) {
    const node = topological[at]!
    let least = Number.POSITIVE_INFINITY
    for (let i = dependents.start[node]!; i < dependents.start[node + 1]!; i++) {
      const dependent = dependents.list[i]!
      least = Math.min(least, minHeight[dependent]! + 1)
      maxHeight[node] = Math.max(maxHeight[node]!, maxHeight[dependent]! + 1)
    }
    minHeight[node] = least === Number.POSITIVE_INFINITY ? 0 : least
  }
}

/** What totals are counted in. */
interface Numbers<N> {
  readonly of: (n: number) => N
  readonly add: (a: N, b: N) => N
  readonly subtract: (a: N, b: N) => N
  readonly multiply: (a: N, b: N) => N
}

const doubles: Numbers<number> = {
  of: (n) => n,
  add: (a, b) => Math.min(a + b, Number.MAX_SAFE_INTEGER),
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b
}

const MOST = 2n ** 1024n
const bigints: Numbers<bigint> = {
  of: BigInt,
  add: (a, b) => (a + b < MOST ? a + b : MOST),
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b
}

const totalsOf = <N>(
  { dependencies, dependents, size, topological }: Dag,
  minHeight: Int32Array,
  { add, multiply, of, subtract }: Numbers<N>
) => {
  const one = of(1)
  const column = () => new Array<N>(size).fill(one)
  const sum = ({ list, start }: Graph.Adjacency, node: number, values: ReadonlyArray<N>) => {
    let total = one
    for (let i = start[node]!; i < start[node + 1]!; i++) total = add(total, values[list[i]!]!)
    return total
  }
  const totalDependencies = column()
  for (const node of topological) totalDependencies[node] = sum(dependencies, node, totalDependencies)
  const totalDependents = column()
  const minDependencies = column()
  const maxDependencies = column()
  const partition = column()
  for (let at = size - 1; at >= 0; at--) {
    const node = topological[at]!
    totalDependents[node] = sum(dependents, node, totalDependents)
    const from = dependents.start[node]!
    const to = dependents.start[node + 1]!
    let least = from === to ? totalDependencies[node]! : minDependencies[dependents.list[from]!]!
    let most = from === to ? least : maxDependencies[dependents.list[from]!]!
    for (let i = from + 1; i < to; i++) {
      const dependent = dependents.list[i]!
      if (minDependencies[dependent]! < least) least = minDependencies[dependent]!
      if (maxDependencies[dependent]! > most) most = maxDependencies[dependent]!
    }
    minDependencies[node] = least
    maxDependencies[node] = most
    partition[node] = multiply(
      add(subtract(least, totalDependencies[node]!), one),
      subtract(totalDependents[node]!, of(minHeight[node]!))
    )
  }
  const all: ReadonlyArray<ReadonlyArray<N>> = [
    totalDependencies,
    totalDependents,
    minDependencies,
    maxDependencies,
    partition
  ]
  return { all, partition }
}
