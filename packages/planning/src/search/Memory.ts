/**
 * Memory: the best size for all, the best for each worker, and less for what has slack.
 */
import { type Assignment, copy, FLEXIBLE, leastMemory } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { isCheaper, type Search } from "./Search.ts"
import { slack } from "./Slack.ts"

/** Memory that makes things faster by less than this share does not help. */
const HELPS = 0.01

/** What changes its memory as one: the nodes of a named worker, or one flexible node. */
interface Unit {
  readonly nodes: ReadonlyArray<number>
  /** The sizes it may have, in MiB, ascending: what its nodes' options ask for is the least. */
  readonly sizes: ReadonlyArray<number>
}

/** The units of an assignment. */
const units = ({ environment, graph }: Model, { memory, worker }: Assignment): ReadonlyArray<Unit> => {
  const named = new Map<number, Array<number>>()
  const all: Array<Array<number>> = []
  for (let id = 0; id < graph.size; id++) {
    const own = worker[id]!
    const known = own === FLEXIBLE ? undefined : named.get(own)
    if (known !== undefined) {
      known.push(id)
      continue
    }
    const nodes = [id]
    all.push(nodes)
    if (own !== FLEXIBLE) named.set(own, nodes)
  }
  const asked = leastMemory(graph)
  return all.map((nodes) => {
    const least = nodes.reduce((most, id) => Math.max(most, asked[id]!), 0)
    const fitting = environment.memorySizes.filter((size) => size >= least)
    const now = memory[nodes[0]!]!
    return { nodes, sizes: fitting.length > 0 ? fitting : [Math.max(now, least)] }
  })
}

/** The size that makes `ms` least; smaller ones that make it hardly longer are better. */
export const smallestOfBest = (sizes: ReadonlyArray<number>, ms: (size: number) => number): number => {
  const predicted = sizes.map(ms)
  const least = Math.min(...predicted)
  const found = predicted.findIndex((one) => one <= least * (1 + HELPS))
  return sizes[found === -1 ? sizes.length - 1 : found]!
}

/** Gives each worker the memory with which its own nodes are fastest, its start included. */
export const bestForEach = (model: Model, assignment: Assignment): Assignment => {
  const changed = copy(assignment)
  for (const { nodes, sizes } of units(model, assignment)) {
    const size = smallestOfBest(sizes, (memory) => {
      const executionMs = model.executionMs(memory)
      const startMs = model.startMs("cold", memory)
      return nodes.reduce((sum, node) => sum + executionMs[node]!, startMs)
    })
    for (const node of nodes) changed.memory[node] = size
  }
  return changed
}

interface Lowering {
  readonly nodes: ReadonlyArray<number>
  readonly memory: number
  /** MiB times ms that it is predicted to save. */
  readonly saved: number
}

/**
 * Lowers the memory of workers off the critical path, as long as the run does not end later and costs less.
 *
 * Two ways to share out the slack, each tried until it yields nothing. In proportion: whatever lies on a path of length L in
 * a run of length M may take M / L times as long; then no path gets longer than M, so all can be changed at once. In full:
 * each may use all its slack alone; where two on one path do, the run gets longer, and half of the changes are tried.
 */
export const lower = (search: Search): void => {
  for (const share of ["proportional", "full"] as const) {
    // A change that saves hardly anything is not worth another round.
    for (let before = Number.POSITIVE_INFINITY; search.left > 0; ) {
      const cost = search.best.timeline.gbSeconds
      if (cost > before * (1 - WORTH)) break
      before = cost
      if (!attempt(search, lowerings(search, share))) break
    }
  }
}

/** A round of lowering that saves a smaller share than this is the last. */
const WORTH = 1e-3

/** Tries changes, and halves of them while they make the run longer. */
const attempt = (search: Search, changes: ReadonlyArray<Lowering>): boolean => {
  if (changes.length === 0 || search.left <= 0) return false
  if (search.attempt(lowered(search.best.assignment, changes), isCheaper)) return true
  if (changes.length === 1) return false
  const half = Math.ceil(changes.length / 2)
  const first = attempt(search, changes.slice(0, half))
  const second = attempt(search, changes.slice(half))
  return first || second
}

const lowered = (assignment: Assignment, changes: ReadonlyArray<Lowering>): Assignment => {
  const changed = copy(assignment)
  for (const { memory, nodes } of changes) for (const node of nodes) changed.memory[node] = memory
  return changed
}

/** What each unit can be lowered to within its slack, those that save most first. */
const lowerings = (
  { best: { assignment, timeline }, model }: Search,
  share: "proportional" | "full"
): ReadonlyArray<Lowering> => {
  const { unrolled } = model
  const { endMs, executeMs, makespanMs, startMs } = timeline
  const { ms } = slack(model, timeline)
  const found: Array<Lowering> = []
  for (const { nodes, sizes } of units(model, assignment)) {
    const now = assignment.memory[nodes[0]!]!
    const before = model.executionMs(now)
    const isNamed = assignment.worker[nodes[0]!] !== FLEXIBLE
    let fromMs = Number.POSITIVE_INFINITY
    let toMs = 0
    let busyMs = 0
    let leastMs = Number.POSITIVE_INFINITY
    for (const node of nodes) {
      const first = unrolled.first[node]!
      for (let i = first; i < first + unrolled.count[node]!; i++) {
        fromMs = Math.min(fromMs, startMs[i]!)
        toMs = Math.max(toMs, endMs[i]!)
        busyMs += endMs[i]! - startMs[i]!
        leastMs = Math.min(leastMs, ms[i]!)
      }
    }
    if (toMs <= 0) continue
    const openMs = isNamed ? toMs - fromMs : busyMs
    /** How much longer the unit takes with a size; `undefined` if that is more than its slack lets it. */
    const longerMs = (size: number): number | undefined => {
      const after = model.executionMs(size)
      const startLonger = Math.max(0, model.startMs("cold", size) - model.startMs("cold", now))
      let sum = startLonger
      for (const node of nodes) {
        const by = after[node]! - before[node]!
        if (by <= 0) continue
        sum += by * Math.max(1, isNamed ? 1 : unrolled.count[node]!)
        if (share === "full") {
          if (!isNamed && by > leastMs) return undefined
          continue
        }
        const first = unrolled.first[node]!
        for (let i = first; i < first + unrolled.count[node]!; i++) {
          const rest = makespanMs - ms[i]!
          const executedMs = endMs[i]! - executeMs[i]!
          if (rest > 0 && by > (executedMs * ms[i]!) / rest) return undefined
        }
      }
      return share === "full" && isNamed && sum > leastMs ? undefined : sum
    }
    let best: Lowering | undefined
    for (const size of sizes) {
      if (size >= now) break
      const longer = longerMs(size)
      if (longer === undefined) continue
      const saved = now * openMs - size * (openMs + longer)
      if (saved > 0 && (best === undefined || saved > best.saved)) best = { nodes, memory: size, saved }
    }
    if (best !== undefined) found.push(best)
  }
  return found.sort((a, b) => b.saved - a.saved)
}
