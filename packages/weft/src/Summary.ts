/**
 * What a run took: counted while it runs, from what the store's channel says.
 */
import { type Graph, Instance, type InstanceId } from "@weft/core"
import type { Measure, RunStatus, TaskSummary } from "@weft/storage"
import type { Notice } from "./Events.ts"

/** One call, for the list of the slowest. */
export interface Call {
  readonly node: string
  readonly executionMs: number
  readonly worker: string
}

/** A run in numbers. */
export interface Summary {
  readonly run: string
  readonly workflow: string
  readonly status: RunStatus
  readonly engine: string
  readonly planner: string
  /** From the first invocation to the last target's completion, by the store's clock, in ms. */
  readonly makespanMs: number
  /** Nodes that were completed. */
  readonly completed: number
  /** Nodes in all, as far as lists have been computed. */
  readonly total: number
  /** How many workers completed something. */
  readonly workers: number
  /** Time spent in tasks over all workers, in ms. */
  readonly executionMs: number
  /** How many tasks can run at the same moment; `undefined` where nothing here says so: on Lambda, or elsewhere. */
  readonly parallelism: number | undefined
  /**
   * The share of that capacity that was spent in tasks, 0 to 1; `undefined` for runs too short to say, not
   * followed from their beginning, or where the capacity is not known.
   */
  readonly efficiency: number | undefined
  /** Encoded bytes that workers read from others, and put where others could read them. */
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly retries: number
  /** By task, the most time first. */
  readonly tasks: ReadonlyArray<TaskSummary>
  /** The slowest calls, slowest first; at most 5. */
  readonly slowest: ReadonlyArray<Call>
  /** What the planner wants people to know. */
  readonly notes: ReadonlyArray<string>
  /** What went wrong beside the run: its history could not be written. */
  readonly warnings?: ReadonlyArray<string>
}

const SLOWEST = 5

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Counts what messages tell of a run. */
export class Tally {
  completed = 0
  total: number
  executionMs = 0
  bytesRead = 0
  bytesWritten = 0
  retries = 0
  /** Completions that were told by message. */
  private heard = 0
  readonly workers = new Set<string>()
  private readonly tasks = new Map<string, Mutable<TaskSummary>>()
  private slowest: Array<{ instance: InstanceId; executionMs: number; worker: string }> = []
  private readonly graph: Graph.Graph

  constructor(graph: Graph.Graph, total: number) {
    this.graph = graph
    this.total = total
  }

  /** Whether it has heard of less than was completed: for who joined late, or missed messages. */
  get isPartial(): boolean {
    return this.heard < this.completed
  }

  /** What the store itself says. */
  correct(completed: number, total: number): void {
    this.completed = completed
    this.total = total
  }

  add(message: Notice): void {
    if (message.type === "retry") this.retries++
    if (message.type !== "completed") return
    this.total = message.instances
    this.workers.add(message.worker)
    for (const { instance, measure } of message.completions) this.addCall(instance, measure, message.worker)
  }

  private addCall(instance: InstanceId, measure: Measure, worker: string) {
    this.completed++
    this.heard++
    this.bytesRead += measure.inputBytes
    this.bytesWritten += measure.outputBytes
    const info = this.graph.task(Instance.nodeOf(instance))
    if (info === undefined) return
    this.executionMs += measure.executionMs
    const known = this.tasks.get(info.name)
    if (known === undefined) {
      this.tasks.set(info.name, {
        task: info.name,
        calls: 1,
        executionMs: measure.executionMs,
        longestMs: measure.executionMs,
        inputBytes: measure.inputBytes,
        outputBytes: measure.outputBytes
      })
    } else {
      known.calls++
      known.executionMs += measure.executionMs
      known.longestMs = Math.max(known.longestMs, measure.executionMs)
      known.inputBytes += measure.inputBytes
      known.outputBytes += measure.outputBytes
    }
    const last = this.slowest.at(-1)
    if (this.slowest.length === SLOWEST && last !== undefined && measure.executionMs <= last.executionMs)
      return
    this.slowest.push({ instance, executionMs: measure.executionMs, worker })
    this.slowest.sort((a, b) => b.executionMs - a.executionMs)
    this.slowest.length = Math.min(this.slowest.length, SLOWEST)
  }

  summary(
    run: Pick<
      Summary,
      "run" | "workflow" | "status" | "engine" | "planner" | "makespanMs" | "parallelism" | "notes"
    >
  ): Summary {
    return {
      ...run,
      completed: this.completed,
      total: this.total,
      workers: this.workers.size,
      executionMs: this.executionMs,
      efficiency:
        run.makespanMs < 1 || this.isPartial || run.parallelism === undefined
          ? undefined
          : Math.min(1, this.executionMs / (run.makespanMs * run.parallelism)),
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
      retries: this.retries,
      tasks: [...this.tasks.values()].sort((a, b) => b.executionMs - a.executionMs),
      slowest: this.slowest.map(({ executionMs, instance, worker }) => ({
        node: Instance.label(this.graph.name(Instance.nodeOf(instance)), instance),
        executionMs,
        worker
      }))
    }
  }
}
