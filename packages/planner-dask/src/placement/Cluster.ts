/**
 * Workers as Dask's scheduler sees them: what is queued on each, and whose values it holds.
 */
import { Graph } from "@weft/core"
import type { Model } from "@weft/planning"

export class Cluster {
  readonly size: number
  private readonly model: Model.Model
  private readonly executionMs: Float64Array
  /** By worker: how many nodes it has and is not done with, and how long they execute. */
  private readonly processing: Int32Array
  private readonly queuedMs: Float64Array
  /** By worker: what it has to get for them, how often each value is needed, and how many bytes that is. */
  private readonly needs: ReadonlyArray<Map<number, number>>
  private readonly needsBytes: Float64Array
  private readonly occupancy: Float64Array
  private totalMs = 0
  /** By worker: bytes of the values that it holds. */
  private readonly heldBytes: Float64Array
  /** By node: the workers that hold its value. */
  private readonly holders: Array<Set<number> | undefined>
  /** By node: how many of its readers are not done. */
  private readonly readers: Int32Array
  private readonly latencyMs: number
  private readonly msPerByte: number

  constructor(model: Model.Model, executionMs: Float64Array, memory: number, workers: number) {
    const { graph, outputBytes, readMs } = model
    this.size = workers
    this.model = model
    this.executionMs = executionMs
    this.processing = new Int32Array(workers)
    this.queuedMs = new Float64Array(workers)
    this.needs = Array.from({ length: workers }, () => new Map())
    this.needsBytes = new Float64Array(workers)
    this.occupancy = new Float64Array(workers)
    this.heldBytes = new Float64Array(workers)
    this.holders = new Array<Set<number> | undefined>(graph.size)
    this.readers = Int32Array.from({ length: graph.size }, (_, id) => {
      const { start } = graph.readers
      return start[id + 1]! - start[id]!
    })
    // Between the least and the most that there is to move; Dask knows a bandwidth only.
    const most = outputBytes.reduce((a, b) => Math.max(a, b), 1)
    this.latencyMs = readMs(1, memory)
    this.msPerByte = Math.max(0, readMs(most, memory) - this.latencyMs) / most
  }

  /** How long getting so many bytes takes, in ms. */
  moveMs(bytes: number): number {
    return bytes === 0 ? 0 : this.latencyMs + bytes * this.msPerByte
  }

  /** Bytes of a node's inputs that a worker does not hold. */
  missingBytes(node: number, worker: number): number {
    let bytes = 0
    for (const input of Graph.neighbours(this.model.graph.inputs, node))
      if (!this.holders[input]?.has(worker)) bytes += this.model.outputBytes[input]!
    return bytes
  }

  /** The workers that hold any of a node's inputs. */
  candidates(node: number): ReadonlySet<number> {
    const all = new Set<number>()
    for (const input of Graph.neighbours(this.model.graph.inputs, node))
      for (const worker of this.holders[input] ?? []) all.add(worker)
    return all
  }

  /** Queued work of a worker, in ms: execution, and getting what it does not hold. */
  queueMs(worker: number): number {
    return this.occupancy[worker]!
  }

  /** Of all workers, on average. */
  get averageMs(): number {
    return this.totalMs / this.size
  }

  count(worker: number): number {
    return this.processing[worker]!
  }

  /** Whether a worker has nothing to do, or less than half of what workers have on average. */
  isIdle(worker: number): boolean {
    return this.processing[worker] === 0 || this.occupancy[worker]! < this.averageMs / 2
  }

  idle(): ReadonlyArray<number> {
    return this.all().filter((worker) => this.isIdle(worker))
  }

  all(): ReadonlyArray<number> {
    return Array.from({ length: this.size }, (_, worker) => worker)
  }

  /**
   * The worker that could start a node first: queued work and bytes to move; among equals the one that holds fewer bytes.
   */
  soonest(node: number, workers: Iterable<number>): number {
    let best = { worker: -1, startMs: Number.POSITIVE_INFINITY, bytes: 0 }
    const inputs = new Map<number, number>()
    let total = 0
    for (const input of Graph.neighbours(this.model.graph.inputs, node)) {
      const bytes = this.model.outputBytes[input]!
      total += bytes
      for (const worker of this.holders[input] ?? []) inputs.set(worker, (inputs.get(worker) ?? 0) + bytes)
    }
    for (const worker of workers) {
      const startMs = this.occupancy[worker]! + this.moveMs(Math.max(0, total - (inputs.get(worker) ?? 0)))
      const bytes = this.heldBytes[worker]!
      const isBetter =
        startMs < best.startMs ||
        (startMs === best.startMs && (bytes < best.bytes || (bytes === best.bytes && worker < best.worker)))
      if (isBetter) best = { worker, startMs, bytes }
    }
    return best.worker
  }

  /** A node is given to a worker. */
  queue(node: number, worker: number): void {
    this.processing[worker]!++
    this.queuedMs[worker]! += this.executionMs[node]!
    const needs = this.needs[worker]!
    for (const input of Graph.neighbours(this.model.graph.inputs, node)) {
      if (this.holders[input]?.has(worker)) continue
      const times = needs.get(input) ?? 0
      needs.set(input, times + 1)
      if (times === 0) this.needsBytes[worker]! += this.model.outputBytes[input]!
    }
    this.recount(worker)
  }

  /** It is taken away again, before it has begun. */
  unqueue(node: number, worker: number): void {
    const needs = this.needs[worker]!
    for (const input of Graph.neighbours(this.model.graph.inputs, node)) {
      const times = needs.get(input)
      if (times === undefined) continue
      if (times > 1) needs.set(input, times - 1)
      else this.arrived(input, worker)
    }
    this.done(node, worker)
  }

  /** A worker begins a node: it gets, and holds from now on, what the node reads. How long getting it takes, in ms. */
  begin(node: number, worker: number): number {
    const ms = this.moveMs(this.missingBytes(node, worker))
    for (const input of Graph.neighbours(this.model.graph.inputs, node)) {
      this.arrived(input, worker)
      this.hold(input, worker)
    }
    this.recount(worker)
    return ms
  }

  /** A node is complete; its worker, if it has one, holds the value. */
  complete(node: number, worker: number | undefined): void {
    if (worker !== undefined) {
      this.done(node, worker)
      this.hold(node, worker)
    }
    for (const input of Graph.neighbours(this.model.graph.inputs, node))
      if (--this.readers[input]! === 0) this.release(input)
  }

  private done(node: number, worker: number) {
    this.processing[worker]!--
    this.queuedMs[worker]! -= this.executionMs[node]!
    this.recount(worker)
  }

  private arrived(input: number, worker: number) {
    if (this.needs[worker]!.delete(input)) this.needsBytes[worker]! -= this.model.outputBytes[input]!
  }

  private hold(node: number, worker: number) {
    const holders = (this.holders[node] ??= new Set())
    if (holders.has(worker)) return
    holders.add(worker)
    this.heldBytes[worker]! += this.model.outputBytes[node]!
  }

  private release(node: number) {
    for (const worker of this.holders[node] ?? []) this.heldBytes[worker]! -= this.model.outputBytes[node]!
    this.holders[node] = undefined
  }

  /** Sums of floating point numbers are set to zero where nothing is left. */
  private recount(worker: number) {
    if (this.processing[worker] === 0) this.queuedMs[worker] = 0
    if (this.needs[worker]!.size === 0) this.needsBytes[worker] = 0
    const ms = this.queuedMs[worker]! + this.moveMs(this.needsBytes[worker]!)
    this.totalMs = Math.max(0, this.totalMs + ms - this.occupancy[worker]!)
    this.occupancy[worker] = ms
  }
}
