/**
 * Dask's scheduler on a virtual clock: which worker would run what, if everything took as long as predicted.
 *
 * - A node that reads values goes to one of the workers that hold any of them: the one that could start it first, by queued
 *   work and bytes to move.
 * - A node that reads nothing goes to the idle worker with the least work; workers without any take turns.
 * - Nodes of a large group that read the same few values, or none (*root-like*), go in the order of their priorities, so that
 *   neighbours are on the same worker.
 * - Each worker runs one node at a time, of those that are ready the one with the lowest priority.
 *
 * Source: `decide_worker_non_rootish`, `decide_worker_rootish_queuing_disabled`, `is_rootish` and `worker_objective` in
 * `distributed/scheduler.py` of Dask.distributed 2022.12.1 (BSD 3-clause, see LICENSE-dask.txt), and its documentation
 * "Scheduling Policies".
 */
import { Graph } from "@weft/core"
import type { Model } from "@weft/planning"
import FlatQueue from "flatqueue"
import { Cluster } from "./Cluster.ts"
import * as Groups from "./Groups.ts"
import { Stealing } from "./Stealing.ts"

export interface SchedulerOptions {
  /** By node, the lowest first. */
  readonly priority: Int32Array
  readonly workers: number
  /** Of every worker, in MiB. */
  readonly memory: number
  readonly stealing: boolean
  /** Which nodes get a worker; others run wherever. */
  readonly isPlaced: (node: number) => boolean
}

/** The index of each node's worker; -1 for those that get none. */
export const schedule = (model: Model.Model, options: SchedulerOptions): Int32Array =>
  new Scheduler(model, options).run()

const NONE = -1

class Scheduler {
  private readonly model: Model.Model
  private readonly options: SchedulerOptions
  private readonly executionMs: Float64Array
  private readonly cluster: Cluster
  private readonly groups: ReadonlyArray<Groups.Group>
  private readonly stealing: Stealing | undefined
  private readonly worker: Int32Array
  private readonly waits: Int32Array
  private readonly begun: Uint8Array
  /** By worker: what is ready, and what it runs. */
  private readonly ready: ReadonlyArray<FlatQueue<number>>
  private readonly running: Int32Array
  private readonly ends = new FlatQueue<number>()
  /** The worker whose turn it is, of those that have nothing to do. */
  private turn = 0

  constructor(model: Model.Model, options: SchedulerOptions) {
    const { graph } = model
    const { isPlaced, memory, stealing, workers } = options
    this.model = model
    this.options = options
    this.executionMs = model.executionMs(memory)
    this.cluster = new Cluster(model, this.executionMs, memory, workers)
    this.groups = Groups.make(graph, workers, isPlaced)
    this.worker = new Int32Array(graph.size).fill(NONE)
    this.begun = new Uint8Array(graph.size)
    this.waits = Int32Array.from(
      { length: graph.size },
      (_, id) => graph.parents.start[id + 1]! - graph.parents.start[id]!
    )
    this.ready = Array.from({ length: workers }, () => new FlatQueue())
    this.running = new Int32Array(workers).fill(NONE)
    this.stealing = stealing
      ? new Stealing(this.cluster, model, this.executionMs, {
          waits: (node, worker) => this.worker[node] === worker && this.begun[node] === 0,
          move: (node, from, to) => {
            this.cluster.unqueue(node, from)
            this.queue(node, to)
          }
        })
      : undefined
  }

  run(): Int32Array {
    const leaves = Array.from(this.waits.keys()).filter((node) => this.waits[node] === 0)
    this.place(leaves, 0)
    this.beginAll(0)
    for (
      let atMs = this.ends.peekValue(), node = this.ends.pop();
      node !== undefined;
      node = this.ends.pop()
    ) {
      this.complete(node, atMs!)
      atMs = this.ends.peekValue()
    }
    return this.worker
  }

  private complete(node: number, nowMs: number) {
    const worker = this.worker[node]!
    this.cluster.complete(node, worker === NONE ? undefined : worker)
    if (worker !== NONE) this.running[worker] = NONE
    const ready: Array<number> = []
    for (const child of Graph.neighbours(this.model.graph.children, node))
      if (--this.waits[child]! === 0) ready.push(child)
    const placed = this.place(ready, nowMs)
    if (worker !== NONE) this.begin(worker, nowMs)
    for (const other of placed) this.begin(other, nowMs)
    if (this.stealing === undefined) return
    this.stealing.balance(nowMs)
    this.beginAll(nowMs)
  }

  /** Gives ready nodes to workers; returns which. */
  private place(nodes: Array<number>, nowMs: number): ReadonlySet<number> {
    const { isPlaced, priority } = this.options
    const placed = new Set<number>()
    for (const node of nodes.sort((a, b) => priority[a]! - priority[b]!)) {
      if (isPlaced(node)) {
        const worker = this.choose(node)
        this.queue(node, worker)
        placed.add(worker)
      } else this.ends.push(node, nowMs + this.elsewhereMs(node))
    }
    return placed
  }

  /** Each instance has a worker of its own, as far as there are so many. */
  private elsewhereMs(node: number): number {
    const { environment, unrolled } = this.model
    return Math.ceil(unrolled.count[node]! / environment.concurrency) * this.executionMs[node]!
  }

  private choose(node: number): number {
    const group = this.groups[node]!
    if (group.isRootish) return Groups.choose(group, node, this.cluster)
    const candidates = this.cluster.candidates(node)
    if (candidates.size > 0) return this.cluster.soonest(node, candidates)
    const { inputs } = this.model.graph
    return inputs.start[node] === inputs.start[node + 1]
      ? this.leastBusy()
      : // What it reads is nowhere yet.
        this.cluster.soonest(node, this.cluster.all())
  }

  private leastBusy(): number {
    const workers = Groups.orAll(this.cluster)
    const least = Math.min(...workers.map((worker) => this.cluster.queueMs(worker)))
    const free = workers.filter((worker) => this.cluster.queueMs(worker) === least)
    // Those that have nothing to do take turns; of others the first one.
    const next = least === 0 ? (free.find((worker) => worker >= this.turn) ?? free[0]!) : free[0]!
    this.turn = (next + 1) % this.cluster.size
    return next
  }

  private queue(node: number, worker: number) {
    this.worker[node] = worker
    this.cluster.queue(node, worker)
    this.ready[worker]!.push(node, this.options.priority[node]!)
    this.stealing?.queued(node, worker)
  }

  private beginAll(nowMs: number) {
    for (let worker = 0; worker < this.running.length; worker++) this.begin(worker, nowMs)
  }

  private begin(worker: number, nowMs: number) {
    const ready = this.ready[worker]!
    while (this.running[worker] === NONE && ready.length > 0) {
      const node = ready.pop()!
      // It may have been stolen meanwhile.
      if (this.worker[node] !== worker || this.begun[node] === 1) continue
      this.begun[node] = 1
      this.running[worker] = node
      this.ends.push(node, nowMs + this.cluster.begin(node, worker) + this.executionMs[node]!)
    }
  }
}
