/**
 * Synthetic graphs with predictions that know all of them: what planners are measured on without running anything.
 *
 * A graph is written as the parents of each node. Every node calls one of a few kinds of tasks; a kind says how long a call
 * takes, how much of that is computing, and how much comes out.
 */
import { type Graph, GraphBuilder, type Predictions, task } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type Costs, knowing } from "../../../packages/planning/test/worlds.ts"

/** Random numbers that a seed repeats. */
export interface Numbers {
  /** From 0 to less than 1. */
  readonly next: () => number
  /** A whole number from `low` to `high`, both included. */
  readonly whole: (low: number, high: number) => number
}

export const numbers = (seed: number): Numbers => {
  const random = Effect.runSync(
    Effect.gen(function* () {
      return yield* Random.Random
    }).pipe(Random.withSeed(seed))
  )
  const next = () => random.nextDoubleUnsafe()
  return { next, whole: (low, high) => low + Math.floor(next() * (high - low + 1)) }
}

export interface Synthetic {
  readonly graph: Graph.Graph
  readonly predictions: Predictions.Predictions
}

/** @param parents of each node, whose numbers are less than its own */
export const synthetic = (
  parents: ReadonlyArray<ReadonlyArray<number>>,
  kinds: ReadonlyArray<Costs>,
  kindOf: (node: number) => number
): Synthetic => {
  const tasks = kinds.map((_, i) => task(`kind${i}`, (inputs: ReadonlyArray<number>) => inputs.length))
  const nodes: Array<ReturnType<(typeof tasks)[number]>> = []
  const isRead = new Uint8Array(parents.length)
  for (const [id, own] of parents.entries()) {
    for (const parent of own) isRead[parent] = 1
    nodes.push(tasks[kindOf(id)]!(own.map((parent) => nodes[parent]!)))
  }
  const { graph } = GraphBuilder.make(
    nodes.filter((_, id) => isRead[id] === 0),
    "synthetic"
  )
  return { graph, predictions: knowing(new Map(kinds.map((kind, i) => [`kind${i}`, kind]))) }
}

/** Kinds of tasks: from milliseconds to seconds, from bytes to tens of megabytes, each evenly on a logarithmic scale. */
export const randomKinds = (count: number, from: Numbers): ReadonlyArray<Costs> =>
  Array.from({ length: count }, () => ({
    ms: logarithmic(5, 5000, from),
    computing: from.whole(0, 2) / 2,
    bytes: Math.round(logarithmic(100, 5e7, from))
  }))

const logarithmic = (low: number, high: number, { next }: Numbers) => low * (high / low) ** next()

/** Layers of random width; each node reads one to three nodes of the layer before. */
export const layered = (size: number, seed: number): ReadonlyArray<ReadonlyArray<number>> => {
  const { whole } = numbers(seed)
  const parents: Array<ReadonlyArray<number>> = []
  let before: { readonly from: number; readonly count: number } = { from: 0, count: 0 }
  const widest = Math.max(2, Math.ceil(Math.sqrt(size)))
  while (parents.length < size) {
    const count = Math.min(size - parents.length, whole(1, widest))
    const from = parents.length
    for (let i = 0; i < count; i++) {
      const own = new Set<number>()
      const wanted = before.count === 0 ? 0 : whole(1, 3)
      for (let k = 0; k < wanted; k++) own.add(before.from + whole(0, before.count - 1))
      parents.push([...own].sort((a, b) => a - b))
    }
    before = { from, count }
  }
  return parents
}

/** Pairs are joined until one is left. */
export const tree = (size: number): ReadonlyArray<ReadonlyArray<number>> => {
  const leaves = Math.ceil((size + 1) / 2)
  const parents: Array<ReadonlyArray<number>> = Array.from({ length: leaves }, () => [])
  for (let at = 0; at + 1 < parents.length && parents.length < size; at += 2) parents.push([at, at + 1])
  return parents
}

/** Stages of a source, its readers, and what gathers them, which is the next source. */
export const fans = (size: number): ReadonlyArray<ReadonlyArray<number>> => {
  const width = Math.max(2, Math.floor(Math.sqrt(size)))
  const parents: Array<ReadonlyArray<number>> = [[]]
  while (parents.length < size) {
    const source = parents.length - 1
    const count = Math.min(width, Math.max(1, size - parents.length - 1))
    const readers = Array.from({ length: count }, (_, i) => source + 1 + i)
    for (const _ of readers) parents.push([source])
    if (parents.length < size) parents.push(readers)
  }
  return parents
}

/** Each node reads the one above and the one to the left. */
export const grid = (size: number): ReadonlyArray<ReadonlyArray<number>> => {
  const side = Math.max(1, Math.round(Math.sqrt(size)))
  return Array.from({ length: side * side }, (_, id) => [
    ...(id >= side ? [id - side] : []),
    ...(id % side > 0 ? [id - 1] : [])
  ])
}

/** Any graph of so many nodes: each pair is joined with a probability. */
export const anyGraph = (size: number, { next }: Numbers): ReadonlyArray<ReadonlyArray<number>> => {
  const share = 0.15 + next() * 0.5
  return Array.from({ length: size }, (_, id) =>
    Array.from({ length: id }, (_, parent) => parent).filter(() => next() < share)
  )
}
