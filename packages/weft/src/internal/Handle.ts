/**
 * Handles: a run that is under way as the caller sees it. Promises only.
 */
import { setTimeout } from "node:timers/promises"
import type { Graph } from "@weft/core"
import { History, StoreError, type Stores } from "@weft/storage"
import type { Engine } from "@weft/worker"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { fromNotice, type Notice, type RunEvent } from "../Events.ts"
import type { Summary } from "../Summary.ts"
import * as Connections from "./Connections.ts"
import type { EngineName } from "./Engines.ts"
import * as Engines from "./Engines.ts"
import * as HistoryPlace from "./HistoryPlace.ts"
import type * as Party from "./Party.ts"
import * as Remembering from "./Remembering.ts"

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
  /** Ends the run; `result()` rejects with `RunCancelled`. Resolves when all its workers have ended and it is removed. */
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
  /**
   * Where it is kept what runs measure, for plans to be made from: the path of a file, `"store"` for the run's store, or
   * `"none"`: until this process ends. Default: the environment variable `WEFT_HISTORY`; else, for a `store` in memory,
   * `"file"`: `.weft/history.sqlite` in the nearest folder with a package.json; else `"store"`. A history that cannot be
   * used does not make a run fail: its summary has a warning then.
   */
  readonly history?: string
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
  const place = HistoryPlace.placeOf(options.history, options.store)
  // A plan is made from what the runs before it have measured.
  await Remembering.settled()
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
  return await make(parts(settings), { connection, endEngine: used.end, place }, options)
}

/** What a run uses, and how that ends. */
interface Used {
  readonly connection: Connections.Connection
  readonly endEngine: () => Promise<void>
  readonly place: HistoryPlace.Place
}

const make = async <E>(
  parts: Parts<E>,
  { connection, endEngine, place }: Used,
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
  const close = async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await endEngine()
  }
  const begin = Effect.gen(function* () {
    const memory = Remembering.memoryOf(place, yield* History)
    const started = yield* Effect.provideService(parts.begin(listener), History, memory.history)
    return { memory, started }
  })
  const { memory, started } = await connection.runtime
    .runPromise(begin.pipe(Scope.provide(scope)))
    .catch(async (error: unknown) => {
      await close()
      await connection.end()
      throw error
    })
  // While a run is under way this process must not end because nothing else holds it.
  const alive = setInterval(() => {}, 2 ** 30)
  const ended = Effect.runPromise(started.outcome).finally(() => clearInterval(alive))
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
    await unlessAway(exit, close())
  })
  // Only what is written at once, or soon to a file, may come after the result: a process may end before a store answers.
  const isSoon = place.kind !== "store"
  const problem = finished.then(
    ({ remember }) => Remembering.remember(memory, remember, isSoon),
    () => undefined
  )
  const released = problem.then(async () => {
    const outcome = await finished.catch(() => undefined)
    await (outcome === undefined ? connection.end() : unlessAway(outcome.exit, connection.end()))
  })
  const over = isSoon ? finished : released.then(() => finished)
  // Who only follows the events does not ask how it went.
  for (const one of [released, over]) one.catch(() => {})
  let isAsked = false
  // Who asks for the summary is told by that.
  void problem.then((text) => text && setImmediate(() => isAsked || Remembering.warn(text)))
  return {
    run: started.run,
    workflow: started.workflow,
    result: async () => settled((await over).exit),
    events: Stream.fromPubSub(notices).pipe(
      Stream.map((notice) => fromNotice(started.graph, notice)),
      Stream.filter((event) => event !== undefined),
      Stream.takeUntil((event) => event.type === "ended"),
      Stream.toAsyncIterable
    ),
    summary: async () => {
      isAsked = true
      const { summary } = await finished
      const warning = await problem
      return warning === undefined ? summary : { ...summary, warnings: [warning] }
    },
    cancel: async (reason = "it was cancelled") => {
      await Effect.runPromise(started.cancel(reason))
      await over
    },
    [Symbol.asyncDispose]: async () => {
      await leave("its handle was disposed of")
      await over
    }
  }
}

/** Waits for something to end, but not long if the store that it needs is away. */
const unlessAway = async (exit: Party.Outcome["exit"], ending: Promise<void>) => {
  await (isAway(exit) ? Promise.race([ending, setTimeout(AWAY_MS)]) : ending)
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
