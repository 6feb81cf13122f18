/**
 * Moves of nodes to other workers, along the critical path: what waits for its worker goes to another one, what waits for a
 * start or a transfer goes to where its inputs are. The critical path is computed again after every move that is kept.
 *
 * Small graphs have evaluations to spare: there every node is tried on every worker once the critical path yields nothing.
 */
import { type Assignment, copy, FLEXIBLE } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { criticalPath } from "../Timeline.ts"
import { isNameable, settle } from "./Placement.ts"
import { isBetter, type Search } from "./Search.ts"

interface Move {
  readonly nodes: ReadonlyArray<number>
  readonly to: number
  /** What is hoped for, in ms. */
  readonly gainMs: number
}

/** So many moves are tried for each critical path, those that promise most. */
const MOST = 16

/** Moves nodes as long as the run gets shorter, or cheaper at the same length. */
export const moves = (search: Search, maxWorkers: number): void => {
  const { model } = search
  const isOver = () => search.left <= 0
  while (!isOver()) {
    if (alongPath(model, search, maxWorkers).some((move) => search.attempt(moved(search, move), isBetter)))
      continue
    if (isOver() || !anywhere(search, maxWorkers)) return
  }
}

const moved = ({ best, model }: Search, { nodes, to }: Move): Assignment => {
  const assignment = copy(best.assignment)
  for (const node of nodes) {
    assignment.worker[node] = to
    assignment.preload[node] = 0
  }
  return settle(model, assignment)
}

const alongPath = ({ graph, unrolled }: Model, { best }: Search, maxWorkers: number): ReadonlyArray<Move> => {
  const { assignment, timeline } = best
  const { after, endMs, executeMs, place, startMs } = timeline
  const workers = used(assignment)
  const found: Array<Move> = []
  const waiting: Array<{ node: number; gainMs: number }> = []
  for (const instance of criticalPath(timeline)) {
    const node = unrolled.node[instance]!
    const before = after[instance]!
    if (before === -1 || !isNameable(graph, node) || assignment.worker[node] === FLEXIBLE) continue
    const gainMs = executeMs[instance]! - endMs[before]!
    if (place[before] !== place[instance]) {
      const to = assignment.worker[unrolled.node[before]!]!
      if (to !== FLEXIBLE && gainMs > 0) found.push({ nodes: [node], to, gainMs })
      if (to !== FLEXIBLE && gainMs > 0) {
        const nodes = chain(graph, assignment, node)
        if (nodes.length > 1) found.push({ nodes, to, gainMs })
      }
    } else {
      let readyMs = 0
      for (let e = unrolled.parents.start[instance]!; e < unrolled.parents.start[instance + 1]!; e++)
        readyMs = Math.max(readyMs, endMs[unrolled.parents.list[e]!]!)
      const waitedMs = startMs[instance]! - readyMs
      if (waitedMs > 0) waiting.push({ node, gainMs: waitedMs })
    }
  }
  // What waits for its worker: to the one that has least to do, or to a new one.
  const load = loads(best, workers.length)
  const lightest = load.length === 0 ? undefined : load.indexOf(Math.min(...load))
  for (const { gainMs, node } of waiting) {
    for (const nodes of [[node], chain(graph, assignment, node)]) {
      if (lightest !== undefined && lightest !== assignment.worker[node])
        found.push({ nodes, to: lightest, gainMs })
      if (workers.some((count) => count === 0) || workers.length < maxWorkers)
        found.push({ nodes, to: free(workers), gainMs })
      if (nodes.length === 1 && chain(graph, assignment, node).length === 1) break
    }
  }
  return found.sort((a, b) => b.gainMs - a.gainMs).slice(0, MOST)
}

/** A node with what follows it one-to-one on the same worker. */
const chain = (graph: Model["graph"], { worker }: Assignment, node: number): ReadonlyArray<number> => {
  const nodes = [node]
  const { children, parents } = graph
  for (let at = node; ; ) {
    if (children.start[at + 1]! - children.start[at]! !== 1) return nodes
    const child = children.list[children.start[at]!]!
    if (parents.start[child + 1]! - parents.start[child]! !== 1 || worker[child] !== worker[node])
      return nodes
    nodes.push(child)
    at = child
  }
}

/** Tries every node on every worker; returns whether a move was kept. */
const anywhere = (search: Search, maxWorkers: number): boolean => {
  const { graph } = search.model
  if (graph.size * Math.min(graph.size, maxWorkers) > search.left) return false
  let isKept = false
  for (let node = 0; node < graph.size; node++) {
    if (!isNameable(graph, node)) continue
    const workers = used(search.best.assignment)
    const room = workers.length < maxWorkers ? workers.length + 1 : workers.length
    for (let to = 0; to < room; to++) {
      const now = search.best.assignment.worker[node]!
      if (to === now || now === FLEXIBLE) continue
      // One new worker is like another.
      if ((workers[to] ?? 0) === 0 && to !== free(workers)) continue
      if (search.attempt(moved(search, { nodes: [node], to, gainMs: 0 }), isBetter)) isKept = true
    }
  }
  return isKept
}

/** How many nodes each worker has. */
const used = ({ worker }: Assignment): ReadonlyArray<number> => {
  const counts: Array<number> = []
  for (const own of worker) {
    if (own === FLEXIBLE) continue
    while (counts.length <= own) counts.push(0)
    counts[own]!++
  }
  return counts
}

/** The first worker with no nodes. */
const free = (counts: ReadonlyArray<number>): number => {
  const empty = counts.indexOf(0)
  return empty === -1 ? counts.length : empty
}

/** How long each named worker is busy, in ms. */
const loads = ({ timeline }: Search["best"], workers: number) => {
  const { endMs, place, startMs } = timeline
  const busy = new Array<number>(workers).fill(0)
  for (let i = 0; i < place.length; i++) {
    const worker = timeline.workers[place[i]!]?.worker ?? FLEXIBLE
    if (worker !== FLEXIBLE) busy[worker]! += endMs[i]! - startMs[i]!
  }
  return busy
}
