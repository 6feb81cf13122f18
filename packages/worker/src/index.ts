/**
 * `@weft/worker`: the worker with its stages, and the engines `inline`, `threads` and `processes`.
 */
export * as Arguments from "./Arguments.ts"
export { type Engine, EngineError, Host, type Invoker, type OpenRun } from "./Engine.ts"
export { type InlineOptions, inline } from "./engines/Inline.ts"
export { type ProcessesEngine, type ProcessesOptions, processes } from "./engines/Processes.ts"
export { type ThreadsEngine, type ThreadsOptions, threads } from "./engines/Threads.ts"
export { heartbeat, type Taking } from "./Heartbeat.ts"
export type { Invocation, Work } from "./Invocation.ts"
export { type Persistence, persistent, persistentObjects, persistentStreams } from "./Persistent.ts"
export { constantKey, RunContext, valueKey } from "./RunContext.ts"
export { adoptAll, invocationsFor } from "./stages/HandOff.ts"
export { context, type TaskContext } from "./TaskContext.ts"
export * as TaskModule from "./TaskModule.ts"
export { ModuleError } from "./TaskModule.ts"
export { Timing } from "./Timing.ts"
export { handOn, untilOver } from "./Waiting.ts"
export * as Worker from "./Worker.ts"
