/**
 * Facts: what was measured of one run, put together from the batches of its workers. Summaries are made from them, and
 * people are shown them.
 *
 * All moments are ms since the run's begin, by the store's clock: workers know by how much theirs is off.
 */
import type { InstanceId, Predictions } from "@weft/core"

/** What running one instance took. */
export interface NodeFact {
  readonly instance: InstanceId
  /** Index of its worker in {@link Facts.workers}. */
  readonly worker: number
  /** 1 for the first worker that tried it. */
  readonly attempt: number
  /** When the stage `inputs` began. */
  readonly startedMs: number
  /** How long `inputs` took: reading, and waiting for what was being preloaded. */
  readonly inputsMs: number
  /** How long `execute` took, retries and their pauses included. */
  readonly executionMs: number
  /** Processor time of `execute`; `undefined` where it was too short to measure, or cannot be measured. */
  readonly processorMs: number | undefined
  /** How long `publish` took; 0 where it did no more than encode something small. */
  readonly publishMs: number
  /** Encoded bytes of all inputs that came from other workers, however they came. */
  readonly inputBytes: number
  /** Of these, what was read in the stage `inputs`; the rest came with the invocation, with a reply, or was preloaded. */
  readonly readBytes: number
  /** Of these, what was here ahead of its time because it was preloaded, and how long fetching that took meanwhile. */
  readonly preloadedBytes: number
  readonly preloadedMs: number
  /** Encoded bytes of the value; 0 where it was not encoded. */
  readonly outputBytes: number
  /** Of these, what was put into a store in the stage `publish`. */
  readonly writtenBytes: number
  /** How often the function was called. */
  readonly tries: number
  /**
   * How many instances of the task it stands for, itself included: of many an even sample is kept. Absent: 1, itself only.
   */
  readonly weight?: number
}

/** One life of a worker. */
export interface WorkerFact {
  readonly worker: string
  readonly named: boolean
  /** In MiB; `undefined` where workers have no sizes. */
  readonly memory: number | undefined
  /** When its invocation was sent; `undefined` if nobody said so. */
  readonly invokedMs: number | undefined
  /**
   * If it waited for a place: when its environment was done with what it ran before, or when fewer workers ran than may at
   * the same moment.
   */
  readonly freeMs?: number | undefined
  readonly beganMs: number
  readonly endedMs: number
  /** Whether its environment was started for it; `undefined` where there is no such thing. */
  readonly cold: boolean | undefined
  /** Loading graph, plan and code, in ms. */
  readonly loadMs: number
  /** Calls of coordination and of the object store. */
  readonly roundTrips: number
  /** How long calls of coordination took, in ms, beside which no execution began: at most 64 of them, evenly spread. */
  readonly callsMs: ReadonlyArray<number>
  /** How long sending one invocation took, in ms: at most 64 of them. */
  readonly invokesMs: ReadonlyArray<number>
  /** How many environments it had started ahead. */
  readonly prewarmed: number
  /** Encoded bytes that it got from stores, and put there. */
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** How a worker began, as far as is known: where environments are not told apart, all are warm. */
export const beganAs = (worker: WorkerFact | undefined): Predictions.Start =>
  worker?.cold === true ? "cold" : "warm"

/** From when on a worker was being started; `undefined` if nobody said when it was invoked. */
export const startingMs = ({ freeMs, invokedMs }: WorkerFact): number | undefined =>
  invokedMs === undefined ? undefined : Math.max(invokedMs, freeMs ?? invokedMs)

/** What was measured of one run. */
export interface Facts {
  readonly run: string
  readonly workflow: string
  readonly signature: string
  readonly planner: string
  readonly engine: string
  readonly status: "succeeded" | "failed" | "cancelled"
  /** Whether it was known that nothing would be warm when it began: after a deployment. */
  readonly isFresh?: boolean
  /** In ms since the epoch. */
  readonly begunAt: number
  readonly makespanMs: number
  /** What was accepted as complete, in the order of their beginning; of more than 10,000 a sample, by task. */
  readonly nodes: ReadonlyArray<NodeFact>
  readonly workers: ReadonlyArray<WorkerFact>
  /** The lengths of lists, by the node that opened them; one entry for each time it was opened. */
  readonly widths: ReadonlyArray<readonly [expand: number, width: number]>
  /** The task of each node; `undefined` for nodes that are no calls. */
  readonly taskOf: (node: number) => string | undefined
}
