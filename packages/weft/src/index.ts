/**
 * `weft`: runs DAGs of ordinary functions on workers, without a scheduler. Promises only; the Effect inside stays
 * inside.
 */
export {
  type Items,
  type PrewarmOptions,
  preload,
  preloading,
  prewarm,
  prewarming,
  type StreamOptions,
  stream,
  streaming
} from "@weft/annotations"
export {
  annotation,
  behaviour,
  codec,
  each,
  type InputSchema,
  type Node,
  planner,
  type Resolved,
  type RetryPolicy,
  RunCancelled,
  RunFailed,
  type Task,
  type TaskOptions,
  task,
  type Workflow,
  type WorkflowOptions,
  workflow
} from "@weft/core"
export { LambdaError, type LambdaOptions, lambda } from "@weft/engine-lambda"
export { simple } from "@weft/planner-simple"
export { StoreError, Stores, type UploadStrategy } from "@weft/storage"
export {
  context,
  type Engine,
  EngineError,
  type InlineOptions,
  inline,
  ModuleError,
  type ProcessesOptions,
  processes,
  type TaskContext,
  type ThreadsOptions,
  threads
} from "@weft/worker"
export { type AttachOptions, attach, type WatchHandle, type WatchOptions, watch } from "./attach.ts"
export type { DrawFormat } from "./draw/Draw.ts"
export { type DrawGraphOptions, drawGraph } from "./drawGraph.ts"
export type { CompletedNode, RunEvent } from "./Events.ts"
export { formatSummary } from "./formatSummary.ts"
export type { EngineName } from "./internal/Engines.ts"
export type { RunHandle } from "./internal/Handle.ts"
export { InvalidHistory } from "./internal/HistoryPlace.ts"
export { BuildFailed, InvalidInput } from "./internal/Job.ts"
export { InvalidMetrics } from "./internal/Metrics.ts"
export { NoModule, RunLeft, UnknownRun, UnreadableRun } from "./internal/RunErrors.ts"
export { InvalidStore } from "./internal/StoreUrl.ts"
export { type RunOptions, run, submit } from "./run.ts"
export type { Call, Summary } from "./Summary.ts"
