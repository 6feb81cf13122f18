/**
 * Work stealing: what waits on a busy worker goes to an idle one, if it starts sooner there even when counted with caution.
 *
 * Dask does it while it runs, every 100 ms; here it happens in the simulation, and the plan has the outcome. Queued nodes are
 * kept by the ratio of moving to computing, in 15 levels, and those that are cheapest to move go first. Of one level those
 * that were queued last go first; where one does not pay, the others of its level and worker are not asked.
 */
import { Graph } from "@weft/core"
import type { Model } from "@weft/planning"
import type { Cluster } from "./Cluster.ts"

/** How often work is balanced, in ms. */
const INTERVAL_MS = 100
/** What moving any node costs besides its bytes, in ms: cautious, so that short nodes stay. */
const LATENCY_MS = 100
const LEVELS = 15
/** Where ratio 1 lies. */
const MIDDLE = 6
/** A worker is saturated if more than this waits, in ms, and more than so many times the average. */
const SATURATED_MS = 400
const SATURATED_TIMES = 1.9
/** If none is, so many of the busiest are asked, with more than this queued, in ms. */
const VICTIMS = 10
const VICTIM_MS = 200

/** What stealing needs to know of the simulation. */
export interface Queues {
  /** Whether the node waits on the worker. */
  readonly waits: (node: number, worker: number) => boolean
  /** Moves it to another. */
  readonly move: (node: number, from: number, to: number) => void
}

export class Stealing {
  private readonly cluster: Cluster
  private readonly model: Model.Model
  private readonly executionMs: Float64Array
  private readonly queues: Queues
  /** By worker and level. */
  private readonly stealable: ReadonlyArray<ReadonlyArray<Array<number>>>
  private balancedMs = 0

  constructor(cluster: Cluster, model: Model.Model, executionMs: Float64Array, queues: Queues) {
    this.cluster = cluster
    this.model = model
    this.executionMs = executionMs
    this.queues = queues
    this.stealable = cluster.all().map(() => Array.from({ length: LEVELS }, () => []))
  }

  queued(node: number, worker: number): void {
    const level = this.levelOf(node)
    if (level !== undefined) this.stealable[worker]![level]!.push(node)
  }

  private levelOf(node: number): number | undefined {
    const inputs = Graph.neighbours(this.model.graph.inputs, node)
    if (inputs.length === 0) return 0
    const computeMs = this.executionMs[node]!
    if (computeMs === 0) return undefined
    const bytes = inputs.reduce((sum, input) => sum + this.model.outputBytes[input]!, 0)
    const ratio = (this.cluster.moveMs(bytes) + LATENCY_MS) / computeMs
    const level = Math.max(1, Math.round(Math.log2(ratio) + MIDDLE))
    return level < LEVELS ? level : undefined
  }

  /** Balances work, if it is time. */
  balance(nowMs: number): void {
    if (nowMs < this.balancedMs + INTERVAL_MS) return
    this.balancedMs = nowMs
    const thieves = new Set(this.cluster.idle())
    if (thieves.size === 0 || thieves.size === this.cluster.size) return
    const victims = this.victims(thieves)
    for (let level = 0; level < LEVELS; level++)
      for (const victim of victims) {
        if (thieves.size === 0) return
        this.rob(victim, this.stealable[victim]![level]!, thieves)
      }
  }

  private victims(thieves: ReadonlySet<number>): ReadonlyArray<number> {
    const { cluster } = this
    const busiest = cluster.all().toSorted((a, b) => cluster.queueMs(b) - cluster.queueMs(a) || a - b)
    const saturated = busiest.filter((worker) => this.isSaturated(worker))
    if (saturated.length > 0) return saturated
    return busiest
      .slice(0, VICTIMS)
      .filter(
        (worker) => cluster.queueMs(worker) > VICTIM_MS && cluster.count(worker) > 1 && !thieves.has(worker)
      )
  }

  private isSaturated(worker: number): boolean {
    const count = this.cluster.count(worker)
    const waitingMs = (this.cluster.queueMs(worker) * (count - 1)) / count
    return count > 1 && waitingMs > SATURATED_MS && waitingMs > SATURATED_TIMES * this.cluster.averageMs
  }

  private rob(victim: number, nodes: Array<number>, thieves: Set<number>): void {
    for (let node = nodes.at(-1); node !== undefined && thieves.size > 0; node = nodes.at(-1)) {
      if (this.queues.waits(node, victim)) {
        const thief = this.cluster.soonest(node, thieves)
        if (thief === victim || !this.pays(node, victim, thief)) return
        this.queues.move(node, victim, thief)
        if (!this.cluster.isIdle(thief)) thieves.delete(thief)
      }
      nodes.pop()
    }
  }

  private pays(node: number, victim: number, thief: number): boolean {
    const { cluster } = this
    const computeMs = this.executionMs[node]!
    const there = cluster.queueMs(thief) + cluster.moveMs(cluster.missingBytes(node, thief)) + computeMs
    const stays = (cluster.moveMs(cluster.missingBytes(node, victim)) + computeMs) / 2
    return there <= cluster.queueMs(victim) - stays
  }
}
