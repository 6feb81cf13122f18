/**
 * `@weft/worker`: the worker with its stages, and the engines `inline`, `threads` and `processes`.
 */
export * as Arguments from "./Arguments.ts"
export type { Seen } from "./Durations.ts"
export { type Engine, EngineError, Host, type Invoker, type OpenRun, type Started } from "./Engine.ts"
export { connect } from "./engines/Connections.ts"
export * as Fault from "./engines/Fault.ts"
export { type InlineOptions, inline } from "./engines/Inline.ts"
export type { Leases } from "./engines/Leases.ts"
export { type ProcessesEngine, type ProcessesOptions, processes } from "./engines/Processes.ts"
export { Renewal } from "./engines/Renewal.ts"
export { type ThreadsEngine, type ThreadsOptions, threads } from "./engines/Threads.ts"
export { heartbeat, type Taking } from "./Heartbeat.ts"
export type { Invocation, Limited, Work } from "./Invocation.ts"
export { stamp } from "./Measured.ts"
export { type Persistence, persistent, persistentObjects, persistentStreams } from "./Persistent.ts"
export { observedObjects, Reach, type ReachNotice } from "./Reach.ts"
export { constantKey, RunContext, valueKey } from "./RunContext.ts"
export { type Code, contextOf, unusable } from "./RunLoading.ts"
export { Sizes } from "./Sizes.ts"
export {
  adoptAll,
  branches,
  clientFanOut,
  invocationsFor,
  LEAST_WORTH_MS,
  withoutRefused
} from "./stages/HandOff.ts"
export { captureConsole, captureStreams, context, type TaskContext } from "./TaskContext.ts"
export * as TaskModule from "./TaskModule.ts"
export { ModuleError } from "./TaskModule.ts"
export { Timing } from "./Timing.ts"
export { handOn, untilOver } from "./Waiting.ts"
export * as Worker from "./Worker.ts"
