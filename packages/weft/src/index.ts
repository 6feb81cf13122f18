/**
 * `weft`: runs DAGs of ordinary functions on workers, without a scheduler. Promises only; the Effect inside stays
 * inside.
 */
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
export { simple } from "@weft/planner-simple"
export {
  context,
  type Engine,
  type InlineOptions,
  inline,
  ModuleError,
  type TaskContext,
  type ThreadsOptions,
  threads
} from "@weft/worker"
export type { DrawFormat } from "./draw/Draw.ts"
export { type DrawGraphOptions, drawGraph } from "./drawGraph.ts"
export type { CompletedNode, RunEvent } from "./Events.ts"
export { formatSummary } from "./formatSummary.ts"
export { BuildFailed, InvalidInput } from "./internal/Job.ts"
export { type EngineName, type RunHandle, type RunOptions, run, submit } from "./run.ts"
export type { Call, Summary } from "./Summary.ts"
