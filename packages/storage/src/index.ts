/**
 * `@weft/storage`: the services that runs are coordinated, stored and remembered with, and their in-memory adapters.
 */

export {
  type Assignment,
  CLIENT,
  type CompletedNotice,
  type Completion,
  Coordination,
  type Kept,
  type Measure,
  type Message,
  type PlannedStep,
  type Ready,
  type Reply,
  type RunDocument,
  type RunSpec,
  type RunState,
  type RunStatus,
  type StoredValue
} from "./Coordination.ts"
export * as CoordinationMemory from "./CoordinationMemory.ts"
export { goneState, objectsAmong } from "./Gone.ts"
export { History } from "./History.ts"
export {
  checkPruning,
  type HistoryQuery,
  limitOf,
  type Pruning,
  RETENTION,
  type Retention,
  type Summary
} from "./HistoryQuery.ts"
export { ObjectStore } from "./ObjectStore.ts"
export {
  decodeRecord,
  encodeRecord,
  PredictedRun,
  RunRecord,
  TaskSummary,
  WorkerCount
} from "./RunRecord.ts"
export { StoreError, type StoreErrorReason } from "./StoreError.ts"
export type { StoresReference } from "./Stores.ts"
export * as Stores from "./Stores.ts"
export {
  ABSENT,
  type Append,
  type Appended,
  LIFE_MS,
  type StreamEnd,
  type StreamNews,
  type StreamRead,
  type StreamState,
  type StreamStatus,
  Streams
} from "./Streams.ts"
export * as StreamsMemory from "./StreamsMemory.ts"
export { type TieredOptions, tiered } from "./Tiered.ts"
export { UploadStrategy } from "./UploadStrategy.ts"
