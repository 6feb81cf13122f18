/**
 * What the ordering prefers: four ways to compare nodes. Each compares one thing after the other until two nodes differ, and
 * their names in the end. Negative: `a` goes first.
 */
import { type Dag, degree } from "./Dag.ts"
import type { Measures } from "./Measures.ts"

export type Compare = (a: number, b: number) => number

export interface Preferences {
  /** Where to begin: at the leaf of a large goal, up a tall branch with few dependents, for a small goal first. */
  readonly begin: Compare
  /** Which dependency of a node to run first, on the way down: towards a large goal, but short and narrow. */
  readonly down: Compare
  /** Which dependent to go on with, on the way up: what lets values go, and is far from the end. */
  readonly up: Compare
  /** In which order final nodes are finished that are ready: those with most dependencies. */
  readonly finish: Compare
}

/** @param waits how many dependencies of each node have not been placed yet; changes while nodes are ordered */
export const make = (
  { dependencies, dependents, rank }: Dag,
  measures: Measures,
  waits: Int32Array
): Preferences => {
  const { maxDependencies, maxHeight, minDependencies, minHeight, totalDependencies, totalDependents } =
    measures
  const fanIn = (node: number) => degree(dependencies, node)
  const fanOut = (node: number) => degree(dependents, node)
  /** How many more values are held once the node has run. */
  const held = (node: number) => fanOut(node) - fanIn(node) + waits[node]!
  const byName: Compare = (a, b) => rank[a]! - rank[b]!
  return {
    begin: (a, b) =>
      maxDependencies[b]! - maxDependencies[a]! ||
      fanOut(a) - maxHeight[a]! - (fanOut(b) - maxHeight[b]!) ||
      minDependencies[a]! - minDependencies[b]! ||
      fanOut(a) - minHeight[a]! - (fanOut(b) - minHeight[b]!) ||
      totalDependents[b]! - totalDependents[a]! ||
      fanOut(a) - fanOut(b) ||
      byName(a, b),
    down: (a, b) =>
      maxDependencies[b]! - maxDependencies[a]! ||
      fanOut(a) + maxHeight[a]! - (fanOut(b) + maxHeight[b]!) ||
      minDependencies[a]! - minDependencies[b]! ||
      fanOut(a) + minHeight[a]! - (fanOut(b) + minHeight[b]!) ||
      totalDependencies[b]! - totalDependencies[a]! ||
      held(a) - held(b) ||
      fanOut(a) - fanOut(b) ||
      totalDependents[a]! - totalDependents[b]! ||
      byName(a, b),
    up: (a, b) => held(a) - held(b) || minHeight[b]! - minHeight[a]! || byName(a, b),
    finish: (a, b) => fanIn(b) - fanIn(a) || byName(a, b)
  }
}
