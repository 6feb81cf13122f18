/**
 * Records of runs: what a finished run took, in numbers. They are plain data with a version, and are decoded by schema
 * wherever they come from.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { StoreError } from "./StoreError.ts"

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

/** What was predicted of a run: its makespan, in ms, and what it takes. */
export const PredictedRun = Schema.Struct({
  meanMs: Amount,
  p50Ms: Amount,
  p90Ms: Amount,
  /** The mean before it was corrected by the calibration of earlier predictions. */
  rawMs: Amount,
  /** As in {@link RunRecord}. */
  gbSeconds: Schema.optionalKey(Amount),
  bytes: Schema.optionalKey(Amount),
  roundTrips: Schema.optionalKey(Amount),
  coldStarts: Schema.optionalKey(Count)
})
export type PredictedRun = typeof PredictedRun.Type

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
  /** Memory times time over all workers, the starts of new environments included. */
  gbSeconds: Amount,
  /** Encoded bytes that workers read from and wrote to stores. */
  bytesRead: Amount,
  bytesWritten: Amount,
  /** Calls of coordination and of the object store, by workers. */
  roundTrips: Count,
  predicted: Schema.optionalKey(PredictedRun)
})
export type RunRecord = typeof RunRecord.Type

const Json = Schema.fromJsonString(RunRecord)
const encode = Schema.encodeEffect(Json)
const decode = Schema.decodeUnknownOption(Json)

/** A record as text, for adapters; refused if it has what no record may have: a negative time, a NaN, an endless one. */
export const encodeRecord = (record: RunRecord): Effect.Effect<string, StoreError> =>
  Effect.mapError(
    encode(record),
    ({ message }) =>
      new StoreError({
        reason: "refused",
        operation: "record a run",
        detail: `the record of run ${record.run} is not right: ${message.replaceAll(/\s*\n\s*/g, " ")}`
      })
  )

/** A record from its text; `undefined` for one of another version of weft, and for what is no record. */
export const decodeRecord = (text: unknown): RunRecord | undefined => Option.getOrUndefined(decode(text))
