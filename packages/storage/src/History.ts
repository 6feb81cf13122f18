/**
 * History: what past runs measured. Plans are made from it.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { StoreError } from "./StoreError.ts"

const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/** What a run's calls of one task took together. */
export const TaskSummary = Schema.Struct({
  task: Schema.String,
  calls: Count,
  /** Sum over the calls, in ms. */
  executionMs: Schema.Finite,
  /** The longest call, in ms. */
  longestMs: Schema.Finite,
  inputBytes: Schema.Finite,
  outputBytes: Schema.Finite
})
export type TaskSummary = typeof TaskSummary.Type

/** A finished run. */
export const RunRecord = Schema.Struct({
  version: Schema.Literal(1),
  run: Schema.String,
  workflow: Schema.String,
  /** `GraphCodec.signature` of its graph. */
  signature: Schema.String,
  planner: Schema.String,
  engine: Schema.String,
  status: Schema.Literals(["succeeded", "failed", "cancelled"]),
  /** In ms since the epoch. */
  begunAt: Schema.Finite,
  /** From the first invocation to the last target's completion, by the store's clock, in ms. */
  makespanMs: Schema.Finite,
  instances: Count,
  tasks: Schema.Array(TaskSummary)
})
export type RunRecord = typeof RunRecord.Type

/** Which runs are wanted. */
export interface HistoryQuery {
  readonly workflow?: string
  readonly signature?: string
  /** The newest so many. Default 100. */
  readonly limit?: number
}

/** Records of runs. */
export class History extends Context.Service<
  History,
  {
    /** Adds a record; one of the same run is replaced. */
    readonly record: (record: RunRecord) => Effect.Effect<void, StoreError>
    /** Newest first, by their beginning; of the same moment the one recorded last. */
    readonly runs: (query: HistoryQuery) => Effect.Effect<ReadonlyArray<RunRecord>, StoreError>
    readonly remove: (run: string) => Effect.Effect<void, StoreError>
  }
>()("@weft/storage/History") {
  /** In this process's memory: forgotten when it ends. */
  static readonly layerMemory: Layer.Layer<History> = Layer.sync(History, () => {
    const records = new Map<string, RunRecord>()
    return History.of({
      record: (record) =>
        Effect.sync(() => {
          records.delete(record.run)
          records.set(record.run, record)
        }),
      runs: ({ limit = 100, signature, workflow }) =>
        Effect.sync(() =>
          // The sort is stable: of records of the same moment the last one stays first.
          [...records.values()]
            .reverse()
            .filter((record) => workflow === undefined || record.workflow === workflow)
            .filter((record) => signature === undefined || record.signature === signature)
            .sort((a, b) => b.begunAt - a.begunAt)
            .slice(0, limit)
        ),
      remove: (run) => Effect.sync(() => void records.delete(run))
    })
  })
}
