/**
 * The front door: run a workflow, or follow it while it runs. Promises only.
 */
import type {
  AnyAnnotation,
  AnyWorkflow,
  Behaviour,
  Environment,
  Planner,
  Resolved,
  Workflow
} from "@weft/core"
import { simple } from "@weft/planner-simple"
import type { UploadStrategy } from "@weft/storage"
import { TaskModule } from "@weft/worker"
import * as Effect from "effect/Effect"
import type { RunEvent } from "./Events.ts"
import * as Client from "./internal/Client.ts"
import * as Handle from "./internal/Handle.ts"
import * as Job from "./internal/Job.ts"
import * as Metrics from "./internal/Metrics.ts"
import type * as Party from "./internal/Party.ts"

/** How to run. */
export interface BaseOptions<A extends AnyAnnotation = never> extends Handle.HandleOptions {
  /** Who plans. Default: the simple planner. */
  readonly planner?: Planner.Planner<A>
  /** The URL of the module that exports the tasks (`import.meta.url`), for nodes that are run without a workflow. */
  readonly module?: string
  /** After how many losses of its worker a node fails the run. Default 3. */
  readonly maxAttempts?: number
  /**
   * After how many ms of silence a worker is taken for lost, and what it did is done again. Default 10,000; without
   * limit if the store is this process's memory, where nobody is lost unnoticed.
   */
  readonly leaseMs?: number
  /**
   * When workers upload what they measure, for the history that plans are made from: `upload` is `"stop"` (default),
   * `"task"`, `{ everyMs }` or `{ queued }`. `false`: they measure nothing.
   */
  readonly metrics?: { readonly upload: UploadStrategy } | false
  /** What is known of where workers will run, over what the engine says: for planners and predictions. */
  readonly environment?: Environment
  /**
   * Whether it is predicted how long the run takes, and recorded with it: by simulation, when the run is over, from what was
   * known before it began. Default: if the planner asks for predictions.
   */
  readonly predict?: boolean
}

/**
 * How to run, with what workers do about annotations: `behaviours` must cover all annotations that the planner may
 * emit, and may be left out only if it emits none. The first behaviour wraps outermost.
 */
export type RunOptions<
  A extends AnyAnnotation = never,
  Bs extends ReadonlyArray<Behaviour.Behaviour> = []
> = BaseOptions<A> &
  ([A] extends [never] ? { readonly behaviours?: Bs } : { readonly behaviours: Behaviour.Covering<A, Bs> })

/** A workflow's input: required unless the workflow takes none. */
type Input<I> = [undefined] extends [I] ? { readonly input?: I } : { readonly input: I }

/**
 * Runs a workflow, or any nesting of nodes, and gives the value.
 *
 * ```ts
 * const total = await run(wordCount, { input: ["to be", "or not to be"] })
 * const [a, b] = await run([double(1), double(2)])
 * ```
 *
 * @throws {RunFailed} if a node failed for good: with the node, the attempts, the error and the user's line
 * @throws {RunCancelled} if `signal` was aborted
 * @throws {InvalidInput | BuildFailed | InvalidPlan | InvalidMetrics | EngineError} if the run could not begin
 */
export const run: Run = async (what: unknown, options: AnyOptions = {}) => {
  await using handle = await submitAny(what, options)
  return (await handle.result()) as never
}

/** Begins a run and gives a handle on it. The options are those of {@link run}. */
export const submit: Submit = async (what: unknown, options: AnyOptions = {}) =>
  (await submitAny(what, options)) as never

/** Nodes, not a workflow: one whose input was left out must not pass for a constant. */
type NoWorkflow<Out> = Out & (Out extends AnyWorkflow ? never : unknown)

interface Run {
  <I, Out, const Bs extends ReadonlyArray<Behaviour.Behaviour> = [], A extends AnyAnnotation = never>(
    workflow: Workflow<I, Out, never>,
    ...options: Options<I, A, Bs>
  ): Promise<Resolved<Out>>
  <const Out, const Bs extends ReadonlyArray<Behaviour.Behaviour> = [], A extends AnyAnnotation = never>(
    nodes: NoWorkflow<Out>,
    options?: RunOptions<A, Bs>
  ): Promise<Resolved<Out>>
}

interface Submit {
  <I, Out, const Bs extends ReadonlyArray<Behaviour.Behaviour> = [], A extends AnyAnnotation = never>(
    workflow: Workflow<I, Out, never>,
    ...options: Options<I, A, Bs>
  ): Promise<Handle.RunHandle<Resolved<Out>>>
  <const Out, const Bs extends ReadonlyArray<Behaviour.Behaviour> = [], A extends AnyAnnotation = never>(
    nodes: NoWorkflow<Out>,
    options?: RunOptions<A, Bs>
  ): Promise<Handle.RunHandle<Resolved<Out>>>
}

type Options<I, A extends AnyAnnotation, Bs extends ReadonlyArray<Behaviour.Behaviour>> = [
  undefined
] extends [I]
  ? [options?: RunOptions<A, Bs> & Input<I>]
  : [options: RunOptions<A, Bs> & Input<I>]

// biome-ignore lint/suspicious/noExplicitAny: stands for the options of every planner
type AnyOptions = BaseOptions<any> & {
  readonly input?: unknown
  readonly behaviours?: unknown
}

const submitAny = (what: unknown, options: AnyOptions) =>
  begin(Job.make(what, options.input, options.module), options)

/** Begins a job that was made before, and tells `onEvent` all that happens, at once. For the command line. */
export const submitJob = (
  job: Job.Job,
  options: AnyOptions,
  onEvent: (event: RunEvent) => void
): Promise<Handle.RunHandle<unknown>> => begin(Effect.succeed(job), options, onEvent)

/** Long enough for a worker that starts, or waits for its store; short enough for people to wait for. */
const LEASE_MS = 10_000

const begin = async (
  made: Effect.Effect<Job.Job, Job.InvalidInput | Job.BuildFailed>,
  options: AnyOptions,
  onEvent?: (event: RunEvent) => void
): Promise<Handle.RunHandle<unknown>> => {
  TaskModule.refuseWhileImporting()
  return await Handle.open(options, (settings) => ({
    begin: (listener) =>
      Effect.flatMap(made, (job) => Client.start(job, { ...settings, ...own(options, settings) }, listener)),
    onEvent,
    disposal: "cancel"
  }))
}

const own = (options: AnyOptions, { stores }: Party.Settings) => ({
  planner: options.planner ?? simple(),
  behaviours: (options.behaviours ?? []) as ReadonlyArray<Behaviour.Behaviour>,
  maxAttempts: options.maxAttempts ?? 3,
  leaseMs: options.leaseMs ?? (stores === undefined ? Number.POSITIVE_INFINITY : LEASE_MS),
  metrics: Metrics.strategyOf(options.metrics),
  environment: options.environment,
  predict: options.predict,
  isOpen: options.store !== undefined && options.store !== "memory"
})
