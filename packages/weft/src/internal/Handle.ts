/**
 * Handles: a run that is under way as the caller sees it. Promises only.
 */
import { setTimeout } from "node:timers/promises"
import type { Graph } from "@weft/core"
import { StoreError, type Stores } from "@weft/storage"
import type { Engine } from "@weft/worker"
import { Cause, Effect, Exit, PubSub, Scope, Stream } from "effect"
import { fromNotice, type Notice, type RunEvent } from "../Events.ts"
import type { Summary } from "../Summary.ts"
import * as Connections from "./Connections.ts"
import type { EngineName } from "./Engines.ts"
import * as Engines from "./Engines.ts"
import type * as Party from "./Party.ts"

/** A run that is under way. */
export interface RunHandle<out R> extends AsyncDisposable {
  /** The run's id. */
  readonly run: string
  /** The workflow's name. */
  readonly workflow: string
  /** The value that was asked for. Rejects with `RunFailed`, `RunCancelled`, `UnknownRun` or a store's error. */
  readonly result: () => Promise<R>
  /** What happens, from the beginning (the last 256 for who comes late) to the event `ended`. */
  readonly events: AsyncIterable<RunEvent>
  /** What the run took, when it has ended, in whatever way. */
  readonly summary: () => Promise<Summary>
  /**
   * Ends the run; `result()` rejects with `RunCancelled`. Resolves when all its workers have ended, and it is removed and
   * recorded in the history. So does disposing of the handle; `result()` does not wait for the latter.
   */
  readonly cancel: (reason?: string) => Promise<void>
}

/** Where a run is kept and run, and how its handle is. */
export interface HandleOptions {
  /**
   * Where the run is coordinated and kept: `"redis://localhost:6379"` (`rediss://` for TLS), or stores of an adapter.
   * Default: this process's memory.
   */
  readonly store?: string | Stores.Stores
  /** Where large values go, if `store` is a URL: `"s3://bucket/prefix?region=eu-central-1"`. Default: to the store. */
  readonly objects?: string
  /** Where tasks run. Default `"inline"`: in this process. */
  readonly engine?: EngineName | Engine
  /** How many workers may be active at once. Default: the engine's. For engines given by name. */
  readonly concurrency?: number
  /** How often the store is asked whether a message was missed, in ms. Default 1,000. */
  readonly pollMs?: number
  /** What becomes of what tasks write to the console. Default `"inherit"`: it is written to this process's. */
  readonly output?: "inherit" | "ignore"
  /** Cancels the run when it is aborted. */
  readonly signal?: AbortSignal
}

const POLL_MS = 1000
/** How long to wait for connections to a store to end that has not answered before, in ms. */
const AWAY_MS = 1000
/** How many messages are kept for who begins to follow a run late. */
const REPLAYED = 256

/** What a handle is made of. */
export interface Parts<E> {
  /** Begins, or attaches to, the run. */
  readonly begin: (
    listener: Party.Listener
  ) => Effect.Effect<Party.Started, E, Connections.Services | Scope.Scope>
  /** Told all that happens, at once. */
  readonly onEvent: ((event: RunEvent) => void) | undefined
  /** What disposing of the handle, or aborting its signal, does to the run. */
  readonly disposal: "cancel" | "leave"
}

/** Begins, and gives a handle on the run. */
export const open = async <E>(
  options: HandleOptions,
  parts: (settings: Party.Settings) => Parts<E>
): Promise<RunHandle<unknown>> => {
  options.signal?.throwIfAborted()
  const connection = await Connections.use(options.store, options.objects)
  const { reference } = connection.stores
  const { concurrency, engine = "inline" } = options
  const used = await Engines.use(engine, concurrency, reference !== undefined).catch(
    async (error: unknown) => {
      await connection.end()
      throw error
    }
  )
  const settings = { engine: used.engine, pollMs: options.pollMs ?? POLL_MS, stores: reference }
  const end = async () => {
    await used.end()
    await connection.end()
  }
  return await make(parts(settings), connection.runtime, end, options)
}

const make = async <E>(
  parts: Parts<E>,
  runtime: Connections.Connection["runtime"],
  end: () => Promise<void>,
  options: HandleOptions
): Promise<RunHandle<unknown>> => {
  const { disposal, onEvent } = parts
  const scope = Scope.makeUnsafe()
  const notices = Effect.runSync(PubSub.unbounded<Notice>({ replay: REPLAYED }))
  let isOver = false
  const listener = (graph: Graph.Graph, notice: Notice) => {
    // What a task writes after the end must not push the end out of what is replayed.
    if (!isOver) PubSub.publishUnsafe(notices, notice)
    isOver ||= notice.type === "ended"
    const event = onEvent === undefined ? undefined : fromNotice(graph, notice)
    if (event !== undefined) onEvent?.(event)
    if (notice.type === "output" && options.output !== "ignore") process[notice.stream].write(notice.text)
  }
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const started = await runtime
    .runPromise(parts.begin(listener).pipe(Scope.provide(scope)))
    .catch(async (error: unknown) => {
      await close()
      await end()
      throw error
    })
  // While a run is under way, or is being recorded, this process must not end because nothing else holds it.
  const alive = setInterval(() => {}, 2 ** 30)
  const ended = Effect.runPromise(started.outcome)
  const leave = (reason: string) =>
    Effect.runPromise(disposal === "cancel" ? started.cancel(reason) : started.leave)
  const abort = () => void leave(String(options.signal?.reason ?? "aborted"))
  options.signal?.addEventListener("abort", abort, { once: true })
  // It may have been aborted while the run was being planned.
  if (options.signal?.aborted) abort()
  const finished = ended.finally(async () => {
    options.signal?.removeEventListener("abort", abort)
    // Where messages were lost, or the store broke, nobody else says so to those who follow the events.
    const { exit, summary } = await ended
    const { makespanMs, status } = summary
    if (!isOver) listener(started.graph, { type: "ended", status, makespanMs })
    // A store that is away is not waited for.
    await (isAway(exit) ? Promise.race([close(), setTimeout(AWAY_MS)]) : close())
  })
  // Who only follows the events does not ask how it went.
  finished.catch(() => {})
  /** All is done, also what nobody waits for who waits for the result. */
  const closed = Promise.allSettled([finished, Effect.runPromise(started.recorded)]).then(async () => {
    clearInterval(alive)
    // A store that is away is not waited for.
    await Promise.race([end(), setTimeout(AWAY_MS, undefined, { ref: false })])
  })
  return {
    run: started.run,
    workflow: started.workflow,
    result: async () => settled((await finished).exit),
    events: Stream.fromPubSub(notices).pipe(
      Stream.map((notice) => fromNotice(started.graph, notice)),
      Stream.filter((event) => event !== undefined),
      Stream.takeUntil((event) => event.type === "ended"),
      Stream.toAsyncIterable
    ),
    summary: async () => (await finished).summary,
    cancel: async (reason = "it was cancelled") => {
      await Effect.runPromise(started.cancel(reason))
      await closed
    },
    [Symbol.asyncDispose]: async () => {
      await leave("its handle was disposed of")
      await closed
    }
  }
}

const isAway = (exit: Party.Outcome["exit"]) =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some(
    (reason) => Cause.isFailReason(reason) && reason.error instanceof StoreError && reason.error.retryable
  )

/** The value, or the error thrown with the stack of whoever waits for it: the one inside weft helps nobody. */
const settled = (exit: Party.Outcome["exit"]): unknown => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Cause.squash(exit.cause)
  if (error instanceof Error) Error.captureStackTrace(error, settled)
  throw error
}
