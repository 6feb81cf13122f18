/**
 * The front door: run a workflow, or follow it while it runs. Promises only.
 */
import type { AnyAnnotation, AnyWorkflow, Behaviour, Planner, Resolved, Workflow } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { CoordinationMemory, History, type Message, ObjectStore } from "@weft/storage"
import { type Engine, inline, TaskModule, type ThreadsEngine, threads } from "@weft/worker"
import { Cause, Effect, Exit, Layer, ManagedRuntime, PubSub, Scope, Stream } from "effect"
import { fromMessage, type RunEvent } from "./Events.ts"
import * as Client from "./internal/Client.ts"
import * as Job from "./internal/Job.ts"
import type { Summary } from "./Summary.ts"

/** The engines that are known by name. */
export type EngineName = "inline" | "threads"

/** How to run. */
export interface BaseOptions<A extends AnyAnnotation = never> {
  /** Where tasks run. Default `"inline"`: in this process. */
  readonly engine?: EngineName | Engine
  /** How many workers may be active at once. Default: the engine's. For engines given by name. */
  readonly concurrency?: number
  /** Who plans. Default: the simple planner. */
  readonly planner?: Planner.Planner<A>
  /** The URL of the module that exports the tasks (`import.meta.url`), for nodes that are run without a workflow. */
  readonly module?: string
  /** What becomes of what tasks write to the console. Default `"inherit"`: it is written to this process's. */
  readonly output?: "inherit" | "ignore"
  /** How often the store is asked whether a message was missed, in ms. Default 1,000. */
  readonly pollMs?: number
  /** After how many losses of its worker a node fails the run. Default 3. */
  readonly maxAttempts?: number
  /** Cancels the run when it is aborted. */
  readonly signal?: AbortSignal
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

/** A run that is under way. */
export interface RunHandle<out R> extends AsyncDisposable {
  /** The run's id. */
  readonly run: string
  /** The value that was asked for. Rejects with `RunFailed`, `RunCancelled` or a store's error. */
  readonly result: () => Promise<R>
  /** What happens, from the beginning (the last 256 for who comes late) to the event `ended`. */
  readonly events: AsyncIterable<RunEvent>
  /** What the run took, when it has ended, in whatever way. */
  readonly summary: () => Promise<Summary>
  /** Ends the run; `result()` rejects with `RunCancelled`. Resolves when all its workers have ended. */
  readonly cancel: (reason?: string) => Promise<void>
}

/** How many messages are kept for who begins to follow a run late. */
const REPLAYED = 256

const services = Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory, History.layerMemory)
/** One set of stores for this process. Building them does nothing that would have to be undone. */
const runtime = ManagedRuntime.make(services)

/**
 * `threads` engines that were asked for by name, by concurrency, and how many runs use each: runs share threads. The
 * one with the default concurrency stays for later runs; others end with the last run that uses them.
 */
const shared = new Map<number | undefined, { readonly engine: ThreadsEngine; users: number }>()

/** The engine, and what to do when the run has ended. */
const engineOf = (engine: EngineName | Engine, concurrency: number | undefined) => {
  const keep = async () => {}
  if (typeof engine !== "string") return { engine, end: keep }
  const options = concurrency === undefined ? {} : { concurrency }
  if (engine === "inline") return { engine: inline(options), end: keep }
  const entry = shared.get(concurrency) ?? { engine: threads(options), users: 0 }
  shared.set(concurrency, entry)
  entry.users++
  const end = async () => {
    if (--entry.users > 0 || concurrency === undefined) return
    shared.delete(concurrency)
    await entry.engine.close()
  }
  return { engine: entry.engine, end }
}

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
 * @throws {InvalidInput | BuildFailed | InvalidPlan | EngineError} if the run could not begin
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
  ): Promise<RunHandle<Resolved<Out>>>
  <const Out, const Bs extends ReadonlyArray<Behaviour.Behaviour> = [], A extends AnyAnnotation = never>(
    nodes: NoWorkflow<Out>,
    options?: RunOptions<A, Bs>
  ): Promise<RunHandle<Resolved<Out>>>
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
): Promise<RunHandle<unknown>> => begin(Effect.succeed(job), options, onEvent)

const begin = async (
  made: Effect.Effect<Job.Job, Job.InvalidInput | Job.BuildFailed>,
  options: AnyOptions,
  onEvent?: (event: RunEvent) => void
): Promise<RunHandle<unknown>> => {
  options.signal?.throwIfAborted()
  TaskModule.refuseWhileImporting()
  const scope = Scope.makeUnsafe()
  const messages = Effect.runSync(PubSub.unbounded<Message>({ replay: REPLAYED }))
  let isOver = false
  const listener = ({ graph }: Job.Job, message: Message) => {
    // What a task writes after the end must not push the end out of what is replayed.
    if (!isOver) PubSub.publishUnsafe(messages, message)
    isOver ||= message.type === "ended"
    const event = onEvent === undefined ? undefined : fromMessage(graph, message)
    if (event !== undefined) onEvent?.(event)
    if (message.type === "output" && options.output !== "ignore") process[message.stream].write(message.text)
  }
  const { end, engine } = engineOf(options.engine ?? "inline", options.concurrency)
  const settings: Client.Settings = {
    engine,
    planner: options.planner ?? simple(),
    behaviours: (options.behaviours ?? []) as ReadonlyArray<Behaviour.Behaviour>,
    pollMs: options.pollMs ?? 1000,
    maxAttempts: options.maxAttempts ?? 3,
    leaseMs: Number.POSITIVE_INFINITY,
    stores: undefined
  }
  const started = await runtime
    .runPromise(
      Effect.flatMap(made, (job) => Client.start(job, settings, (message) => listener(job, message))).pipe(
        Scope.provide(scope)
      )
    )
    .catch(async (error: unknown) => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await end()
      throw error
    })
  // While a run is under way this process must not end because nothing else holds it.
  const alive = setInterval(() => {}, 2 ** 30)
  const ended = Effect.runPromise(started.outcome).finally(() => clearInterval(alive))
  const cancel = async (reason = "it was cancelled") => {
    await Effect.runPromise(started.cancel(reason))
    await ended
  }
  const abort = () => void cancel(String(options.signal?.reason ?? "aborted"))
  options.signal?.addEventListener("abort", abort, { once: true })
  // It may have been aborted while the run was being planned.
  if (options.signal?.aborted) abort()
  const finished = ended.finally(async () => {
    options.signal?.removeEventListener("abort", abort)
    await Effect.runPromise(Scope.close(scope, Exit.void))
    // Where the store broke, nobody else says so to those who follow the events.
    if (!isOver) PubSub.publishUnsafe(messages, { type: "ended", status: "gone" })
    await end()
  })
  return {
    run: started.run,
    result: async () => settled((await finished).exit),
    events: Stream.fromPubSub(messages).pipe(
      Stream.map((message) => fromMessage(started.graph, message)),
      Stream.filter((event) => event !== undefined),
      Stream.takeUntil((event) => event.type === "ended"),
      Stream.toAsyncIterable
    ),
    summary: async () => (await finished).summary,
    cancel,
    [Symbol.asyncDispose]: async () => {
      await Effect.runPromise(started.cancel("its handle was disposed of"))
      await finished
    }
  }
}

/** The value, or the error thrown with the stack of whoever waits for it: the one inside weft helps nobody. */
const settled = (exit: Client.Outcome["exit"]): unknown => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Cause.squash(exit.cause)
  if (error instanceof Error) Error.captureStackTrace(error, settled)
  throw error
}
