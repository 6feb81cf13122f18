/**
 * How work that became ready is divided among workers: as the worker's stage `handOff` does it, for the fast model.
 */
import { Graph } from "@weft/core"
import { LEAST_WORTH_MS } from "@weft/worker"
import type { Model } from "../Model.ts"

export class Pieces {
  private readonly model: Model
  private readonly memory: Int32Array
  private readonly seen: Uint8Array
  /** How long nodes and what follows them take, in ms; NaN where that is not known yet. */
  private readonly chains: Float64Array
  private isStale = true

  /** @param memory what each node is given, in MiB */
  constructor(model: Model, memory: Int32Array) {
    this.model = model
    this.memory = memory
    this.seen = new Uint8Array(model.graph.columns.tasks.length)
    this.chains = new Float64Array(model.graph.size)
  }

  /** The node's task has been run: from now on workers know how long it takes. */
  ran(node: number): void {
    const task = this.model.graph.columns.codes[node]!
    if (task < 0 || this.seen[task] === 1) return
    this.seen[task] = 1
    this.isStale = true
  }

  /** Pieces of instances that need the same memory, those that need most first. */
  of(work: ReadonlyArray<number>, isKnown: boolean): Array<ReadonlyArray<number>> {
    if (work.length < 2) return work.length === 0 ? [] : [work]
    const { node } = this.model.unrolled
    const first = this.memory[node[work[0]!]!]!
    if (work.every((at) => this.memory[node[at]!] === first)) return this.divide(work, isKnown)
    const bySize = [...Map.groupBy(work, (at) => this.memory[node[at]!]!)].sort(([a], [b]) => b - a)
    return bySize.flatMap(([, same]) => this.divide(same, isKnown))
  }

  /** Each takes 1/(2 × parallelism) of what is left, or more if that is known to be too small. */
  private divide(work: ReadonlyArray<number>, isKnown: boolean): Array<ReadonlyArray<number>> {
    const { concurrency, worthMs } = this.model.environment
    const pieces: Array<ReadonlyArray<number>> = []
    for (let at = 0; at < work.length; ) {
      let size = Math.max(1, Math.ceil((work.length - at) / (2 * concurrency)))
      if (isKnown && worthMs > 0)
        while (at + size < work.length && this.isTooSmall(work, at, at + size)) size *= 2
      pieces.push(work.slice(at, at + size))
      at += size
    }
    return pieces
  }

  /** Whether others should run the only piece while a worker has something else to run. */
  isWorthInvoking(piece: ReadonlyArray<number>): boolean {
    const { environment, graph, unrolled } = this.model
    const ms = piece.reduce((sum, at) => sum + this.chainMs(unrolled.node[at]!), 0)
    return ms === Number.POSITIVE_INFINITY
      ? piece.every((at) => graph.need[unrolled.node[at]!] === 1)
      : ms >= Math.max(environment.worthMs, LEAST_WORTH_MS)
  }

  private isTooSmall(work: ReadonlyArray<number>, from: number, to: number): boolean {
    const { environment, unrolled } = this.model
    let ms = 0
    for (let i = from; i < to; i++) {
      ms += this.chainMs(unrolled.node[work[i]!]!)
      if (ms >= environment.worthMs) return false
    }
    return true
  }

  /** How long a node and what its worker goes on with should take; infinite if some of it has not been run yet. */
  private chainMs(node: number): number {
    if (this.isStale) this.count()
    return this.chains[node]!
  }

  private count() {
    this.isStale = false
    const { chains, memory, model, seen } = this
    const { children, columns, need, size } = model.graph
    for (let id = size - 1; id >= 0; id--) {
      const task = columns.codes[id]!
      let ms = task < 0 || seen[task] === 0 ? Number.POSITIVE_INFINITY : model.executionMs(memory[id]!)[id]!
      for (let e = children.start[id]!; ms < Number.POSITIVE_INFINITY && e < children.start[id + 1]!; e++) {
        const child = children.list[e]!
        if (columns.codes[child] !== Graph.code.collect) ms += chains[child]! / need[child]!
      }
      chains[id] = ms
    }
  }
}
