/**
 * How long tasks take here: what this process has seen of a run, so that work which is over in no time is not given away
 * at a cost that is higher than its own.
 */
import { Graph } from "@weft/core"

/** By the task's index in the graph. */
export type Seen = ReadonlyArray<readonly [task: number, calls: number, totalMs: number]>

/** Where measuring a call more closely costs nothing beside the call, in ms. */
const LONG_MS = 1

export class Durations {
  private readonly graph: Graph.Graph
  private readonly calls: Float64Array
  private readonly totalMs: Float64Array
  /** What {@link chainMs} has found, as long as it is about right: until a task is first seen, or twice as many have run. */
  private readonly chains = new Map<number, number>()
  private count = 0
  private goodUntil = 0

  constructor(graph: Graph.Graph) {
    this.graph = graph
    this.calls = new Float64Array(graph.columns.tasks.length)
    this.totalMs = new Float64Array(graph.columns.tasks.length)
  }

  /** A node's function has run for `ms`. */
  ran(node: number, ms: number): void {
    const task = this.graph.columns.codes[node]!
    if (task < 0) return
    this.totalMs[task]! += ms
    this.count++
    if (this.calls[task]!++ === 0 || this.count >= this.goodUntil) this.forget()
  }

  private forget(): void {
    this.goodUntil = 2 * this.count
    this.chains.clear()
  }

  /** Whether calls of the node's task take long enough, as far as is known, for more of them to be measured. */
  isLong(node: number): boolean {
    const task = this.graph.columns.codes[node]!
    return task >= 0 && this.totalMs[task]! >= LONG_MS * this.calls[task]!
  }

  /** How long a node should take, in ms; infinite if its task has not been seen yet. */
  meanMs(node: number): number {
    const task = this.graph.columns.codes[node]!
    return task < 0 || this.calls[task] === 0
      ? Number.POSITIVE_INFINITY
      : this.totalMs[task]! / this.calls[task]!
  }

  /** What is known of each task: how often it ran, and for how long in all. For others that go on with the run. */
  seen(): Seen {
    const seen: Array<Seen[number]> = []
    for (const [task, calls] of this.calls.entries()) {
      if (calls > 0) seen.push([task, calls, this.totalMs[task]!])
    }
    return seen
  }

  /** Takes over what others have seen, of tasks that they have seen more often. */
  heard(seen: Seen): void {
    for (const [task, calls, totalMs] of seen) {
      if (!(calls > this.calls[task]!)) continue
      this.calls[task] = calls
      this.totalMs[task] = totalMs
      this.forget()
    }
  }

  /**
   * How long a node and all that a worker goes on with after it should take, in ms; infinite if some of it has not been
   * seen yet. A node with several parents counts for each of them in part.
   */
  chainMs(node: number): number {
    const { chains: known } = this
    const { children, columns, need } = this.graph
    // Chains may be long: down first, then up again.
    const way = [node]
    while (way.length > 0) {
      const at = way.at(-1)!
      let ms = this.meanMs(at)
      if (known.has(at) || ms === Number.POSITIVE_INFINITY) {
        if (!known.has(at)) known.set(at, ms)
        way.pop()
        continue
      }
      const next: Array<number> = []
      for (let i = children.start[at]!; i < children.start[at + 1]!; i++) {
        const child = children.list[i]!
        if (columns.codes[child] === Graph.code.collect) continue
        if (known.has(child)) ms += known.get(child)! / need[child]!
        else next.push(child)
      }
      if (next.length > 0) way.push(...next)
      else {
        known.set(at, ms)
        way.pop()
      }
    }
    return known.get(node)!
  }
}
