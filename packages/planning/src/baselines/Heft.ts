/**
 * HEFT: heterogeneous earliest finish time.
 *
 * Tasks are taken in order of their upward rank, the length of the longest way to the end, counting mean execution and
 * mean communication; each goes to the processor where it is done first, into the first gap that is long enough.
 *
 * H. Topcuoglu, S. Hariri, M.-Y. Wu: Performance-effective and low-complexity task scheduling for heterogeneous computing.
 * IEEE Transactions on Parallel and Distributed Systems 13(3), 2002.
 *
 * It knows processors that are always there: what starting a worker takes it does not count with.
 */
import type { Graph, Planner } from "@weft/core"
import * as Effect from "effect/Effect"
import type { Model } from "../Model.ts"
import { type BaselineOptions, baseline } from "./Baseline.ts"

/** What is scheduled; nodes are numbered in topological order. */
export interface Problem {
  readonly size: number
  readonly processors: number
  readonly parents: Graph.Adjacency
  readonly children: Graph.Adjacency
  readonly costMs: (task: number, processor: number) => number
  /** What handing on a value takes between two processors, in ms. */
  readonly communicationMs: (parent: number, child: number) => number
}

export interface Schedule {
  readonly rank: Float64Array
  readonly processor: Int32Array
  readonly startMs: Float64Array
  readonly endMs: Float64Array
  readonly makespanMs: number
}

interface Slot {
  readonly startMs: number
  readonly endMs: number
}

/** HEFT itself. O(edges · processors), and the search for gaps. */
export const schedule = (problem: Problem): Schedule => {
  const { costMs, parents, processors, size } = problem
  const rank = ranks(problem)
  const order = Uint32Array.from({ length: size }, (_, i) => i).sort((a, b) => rank[b]! - rank[a]! || a - b)
  const processor = new Int32Array(size)
  const startMs = new Float64Array(size)
  const endMs = new Float64Array(size)
  const busy = Array.from({ length: processors }, (): Array<Slot> => [])
  let makespanMs = 0
  for (const task of order) {
    let best = { on: 0, at: 0, startMs: 0, endMs: Number.POSITIVE_INFINITY }
    for (let on = 0; on < processors; on++) {
      let readyMs = 0
      for (let e = parents.start[task]!; e < parents.start[task + 1]!; e++) {
        const parent = parents.list[e]!
        const sentMs = processor[parent] === on ? 0 : problem.communicationMs(parent, task)
        readyMs = Math.max(readyMs, endMs[parent]! + sentMs)
      }
      const cost = costMs(task, on)
      const gap = firstGap(busy[on]!, readyMs, cost)
      if (gap.startMs + cost < best.endMs) best = { on, ...gap, endMs: gap.startMs + cost }
    }
    processor[task] = best.on
    startMs[task] = best.startMs
    endMs[task] = best.endMs
    makespanMs = Math.max(makespanMs, best.endMs)
    busy[best.on]!.splice(best.at, 0, best)
  }
  return { rank, processor, startMs, endMs, makespanMs }
}

const ranks = ({ children, communicationMs, costMs, processors, size }: Problem): Float64Array => {
  const rank = new Float64Array(size)
  for (let task = size - 1; task >= 0; task--) {
    let mean = 0
    for (let on = 0; on < processors; on++) mean += costMs(task, on) / processors
    let longest = 0
    for (let e = children.start[task]!; e < children.start[task + 1]!; e++) {
      const child = children.list[e]!
      longest = Math.max(longest, communicationMs(task, child) + rank[child]!)
    }
    rank[task] = mean + longest
  }
  return rank
}

/** Where in the slots of a processor, and when, a task fits first. */
const firstGap = (slots: ReadonlyArray<Slot>, readyMs: number, costMs: number) => {
  // The first slot that ends after the task is ready; what is before does not matter.
  let low = 0
  let high = slots.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (slots[middle]!.endMs > readyMs) high = middle
    else low = middle + 1
  }
  let startMs = readyMs
  let at = low
  while (at < slots.length && startMs + costMs > slots[at]!.startMs) {
    startMs = Math.max(startMs, slots[at]!.endMs)
    at++
  }
  return { at, startMs }
}

/**
 * HEFT over equal workers.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const heft = (options: BaselineOptions = {}): Planner.Planner =>
  baseline("heft", options, (model, memory, workers) => Effect.sync(() => placed(model, memory, workers)))

const placed = (model: Model, memory: number, workers: number): Int32Array => {
  const { callMs, environment, graph, outputBytes, readMs, unrolled, writeMs } = model
  const executionMs = model.executionMs(memory)
  const isLarge = (bytes: number) => bytes > environment.inlineBytes
  const sendMs = outputBytes.map(
    (bytes) => callMs + (isLarge(bytes) ? writeMs(bytes, memory) + readMs(bytes, memory) : 0)
  )
  return schedule({
    size: graph.size,
    processors: workers,
    parents: graph.parents,
    children: graph.children,
    costMs: (node) => executionMs[node]! * Math.ceil(unrolled.count[node]! / environment.concurrency),
    communicationMs: (parent) => sendMs[parent]!
  }).processor
}
