/**
 * History: what past runs measured. Plans are made from it.
 *
 * It keeps three things. *Records* of runs, with details that are read for one run only. *Summaries* by key, which do not
 * grow with the number of runs: what predictions are made from; how they are merged is not the store's concern
 * (`@weft/metrics`). And *batches*: what workers have measured of a run that has no record yet.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { StoreError } from "./StoreError.ts"

const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
const Amount = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/** What a run's calls of one task took together. */
export const TaskSummary = Schema.Struct({
  task: Schema.String,
  calls: Count,
  /** Sum over the calls, in ms. */
  executionMs: Amount,
  /** The longest call, in ms. */
  longestMs: Amount,
  inputBytes: Amount,
  outputBytes: Amount
})
export type TaskSummary = typeof TaskSummary.Type

/** How many workers of one memory size a run had. */
export const WorkerCount = Schema.Struct({
  /** In MiB. */
  memory: Amount,
  workers: Count,
  /** How many of them began in an environment that was started for them. */
  cold: Count
})
export type WorkerCount = typeof WorkerCount.Type

/** What a plan predicted of a run's makespan, in ms. */
export const PredictedMakespan = Schema.Struct({
  meanMs: Amount,
  p50Ms: Amount,
  p90Ms: Amount,
  /** The mean before it was corrected by the calibration of earlier predictions. */
  rawMs: Amount
})
export type PredictedMakespan = typeof PredictedMakespan.Type

/** A finished run. */
export const RunRecord = Schema.Struct({
  version: Schema.Literal(2),
  run: Schema.String,
  workflow: Schema.String,
  /** `GraphCodec.signature` of its graph. */
  signature: Schema.String,
  planner: Schema.String,
  engine: Schema.String,
  status: Schema.Literals(["succeeded", "failed", "cancelled"]),
  /** In ms since the epoch, by the store's clock. */
  begunAt: Amount,
  /** From the run's begin, the step right before the first invocation, to the last target's completion; store's clock, ms. */
  makespanMs: Amount,
  instances: Count,
  tasks: Schema.Array(TaskSummary),
  workers: Schema.Array(WorkerCount),
  /** Memory times time over all workers. */
  gbSeconds: Amount,
  /** Encoded bytes that workers read from and wrote to stores. */
  bytesRead: Amount,
  bytesWritten: Amount,
  /** Calls of coordination and of the object store, by workers. */
  roundTrips: Count,
  predicted: Schema.optionalKey(PredictedMakespan)
})
export type RunRecord = typeof RunRecord.Type

/** Which runs are wanted. */
export interface HistoryQuery {
  readonly workflow?: string
  readonly signature?: string
  /** The newest so many. Default 100. */
  readonly limit?: number
}

/** What is kept under a key, and how often it was replaced: for whoever replaces it. */
export interface Summary {
  readonly revision: number
  readonly bytes: Uint8Array
}

/** Which records are removed: those that are old and those that are too many, whichever there are. */
export interface Pruning {
  /** Runs that began before this, in ms since the epoch. */
  readonly before?: number
  /** All but the newest so many of each workflow. */
  readonly keep?: number
}

/** Records of runs, summaries, and batches. */
export class History extends Context.Service<
  History,
  {
    /**
     * Adds a record, and removes the run's batches; a record of the same run is replaced.
     *
     * @param details what belongs to the run and is read by {@link details} only
     */
    readonly record: (record: RunRecord, details?: Uint8Array) => Effect.Effect<void, StoreError>
    /**
     * Newest first, by their beginning; of the same moment the one recorded last. Records of another version of weft, and
     * what is no record, are passed over.
     */
    readonly runs: (query: HistoryQuery) => Effect.Effect<ReadonlyArray<RunRecord>, StoreError>
    /** What was recorded with the run; `undefined` if there is none. */
    readonly details: (run: string) => Effect.Effect<Uint8Array | undefined, StoreError>
    /** Removes the run's record, details and batches. */
    readonly remove: (run: string) => Effect.Effect<void, StoreError>
    /** Removes records. How many. Summaries stay. */
    readonly prune: (which: Pruning) => Effect.Effect<number, StoreError>

    /** Summaries in the order of the keys; `undefined` for what is not there. */
    readonly summaries: (
      keys: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Summary | undefined>, StoreError>
    /**
     * Replaces a summary if it still has the revision (`undefined`: if there is none); whether it did. So that of two who
     * merge something into it at the same time neither is lost: who was too late reads again and repeats.
     */
    readonly replace: (
      key: string,
      bytes: Uint8Array,
      revision: number | undefined
    ) => Effect.Effect<boolean, StoreError>
    /** The keys of all summaries, in any order. */
    readonly keys: Effect.Effect<ReadonlyArray<string>, StoreError>
    readonly removeSummaries: (keys: ReadonlyArray<string>) => Effect.Effect<void, StoreError>

    /** Adds a batch of what a worker has measured. It is kept until the run is recorded or removed, or for a day. */
    readonly upload: (run: string, batch: Uint8Array) => Effect.Effect<void, StoreError>
    /** The run's batches, in the order in which they came. */
    readonly batches: (run: string) => Effect.Effect<ReadonlyArray<Uint8Array>, StoreError>
  }
>()("@weft/storage/History") {
  /** In this process's memory: forgotten when it ends. */
  static readonly layerMemory: Layer.Layer<History> = Layer.sync(History, () => {
    const records = new Map<
      string,
      { readonly record: RunRecord; readonly details: Uint8Array | undefined }
    >()
    const summaries = new Map<string, Summary>()
    const batches = new Map<string, Array<Uint8Array>>()
    /** The sort is stable: of records of the same moment the last one stays first. */
    const newestFirst = () =>
      [...records.values()]
        .map(({ record }) => record)
        .reverse()
        .sort((a, b) => b.begunAt - a.begunAt)
    const remove = (run: string) => {
      batches.delete(run)
      return records.delete(run)
    }
    return History.of({
      record: (record, details) =>
        Effect.sync(() => {
          remove(record.run)
          records.set(record.run, { record, details })
        }),
      runs: ({ limit = 100, signature, workflow }) =>
        Effect.sync(() =>
          newestFirst()
            .filter((record) => workflow === undefined || record.workflow === workflow)
            .filter((record) => signature === undefined || record.signature === signature)
            .slice(0, limit)
        ),
      details: (run) => Effect.sync(() => records.get(run)?.details),
      remove: (run) => Effect.sync(() => void remove(run)),
      prune: ({ before, keep }) =>
        Effect.sync(() => {
          const seen = new Map<string, number>()
          let removed = 0
          for (const { begunAt, run, workflow } of newestFirst()) {
            const newer = seen.get(workflow) ?? 0
            seen.set(workflow, newer + 1)
            const isDue = (before !== undefined && begunAt < before) || (keep !== undefined && newer >= keep)
            if (isDue && remove(run)) removed++
          }
          return removed
        }),
      summaries: (keys) => Effect.sync(() => keys.map((key) => summaries.get(key))),
      replace: (key, bytes, revision) =>
        Effect.sync(() => {
          if (summaries.get(key)?.revision !== revision) return false
          summaries.set(key, { revision: (revision ?? 0) + 1, bytes })
          return true
        }),
      keys: Effect.sync(() => [...summaries.keys()]),
      removeSummaries: (keys) =>
        Effect.sync(() => {
          for (const key of keys) summaries.delete(key)
        }),
      upload: (run, batch) =>
        Effect.sync(() => {
          const known = batches.get(run)
          if (known === undefined) batches.set(run, [batch])
          else known.push(batch)
        }),
      batches: (run) => Effect.sync(() => batches.get(run) ?? [])
    })
  })
}
