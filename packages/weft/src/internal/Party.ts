/**
 * A party to a run that is under way: it listens, waits for the end, and sees to what is left. Whoever began a run, and
 * whoever attached to it later, does the same from here on.
 */
import type { Graph, Plan, RunCancelled, RunFailed } from "@weft/core"
import { Makespan } from "@weft/metrics"
import { StoreClock } from "@weft/metrics/recording"
import {
  CLIENT,
  Coordination,
  goneState,
  type History,
  ObjectStore,
  type Reply,
  type RunState,
  type RunStatus,
  StoreError,
  type StoresReference,
  Streams
} from "@weft/storage"
import {
  type Engine,
  type EngineError,
  type Invoker,
  type OpenRun,
  observedObjects,
  persistent,
  persistentObjects,
  persistentStreams,
  type ReachNotice,
  stamp
} from "@weft/worker"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type { Notice } from "../Events.ts"
import { type Summary, Tally } from "../Summary.ts"
import { Away, observed } from "./Reach.ts"
import { RunLeft, type UnknownRun } from "./RunErrors.ts"
import * as RunResult from "./RunResult.ts"

/** Who is told what happens. */
export type Listener = (graph: Graph.Graph, notice: Notice) => void

/** How a party takes part. */
export interface Settings {
  readonly engine: Engine
  /** How often the store is asked whether a message was missed, in ms. */
  readonly pollMs: number
  /** How other processes get at the stores; `undefined` if they cannot. */
  readonly stores: StoresReference | undefined
}

/** A run, as a party knows it. */
export interface Known {
  readonly run: string
  readonly workflow: string
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  /** How many instances there are, as far as known. */
  readonly instances: number
  /** The URL of the module that exports the tasks, as far as known. */
  readonly module: string | undefined
}

/** A run that is under way. */
export interface Started {
  readonly run: string
  readonly workflow: string
  readonly graph: Graph.Graph
  /** How the run ended. Succeeds also if the run did not. */
  readonly outcome: Effect.Effect<Outcome>
  /** Cancels the run. If the store does not answer, at least this process leaves it. */
  readonly cancel: (reason: string) => Effect.Effect<void>
  /** Follows the run no longer, and leaves it as it is. */
  readonly leave: Effect.Effect<void>
}

/** How a run ended, and what it took. */
export interface Outcome {
  readonly exit: Exit.Exit<
    unknown,
    RunFailed | RunCancelled | RunLeft | UnknownRun | StoreError | EngineError
  >
  readonly summary: Summary
  /** What is to be remembered of the run. It is not done yet, and may be when all else is over. */
  readonly remember: Effect.Effect<void, StoreError, History>
}

/** What became of a party that listens. */
export interface Party extends Known {
  readonly tally: Tally
  /** Opened by whoever hears that something may have changed. */
  readonly changed: Latch.Latch
  /** The store, whose calls are repeated while it is away. */
  readonly coordination: Coordination["Service"]
  /** How the run has ended, as far as that was told by message. */
  readonly endedAs: () => RunStatus | undefined
  /** Takes over what the store says of a run's progress, if less was told. */
  readonly account: (state: RunState, isFirst?: boolean) => void
  /** By how much this process's clock is off. */
  readonly clock: StoreClock
  /** Told when a store does not answer, or answers again. */
  readonly reach: (notice: ReachNotice) => void
}

/** For how long a store may be away before a client gives up, in ms: long enough to be started again by somebody. */
const PATIENCE_MS = 600_000

/** Listens to a run. */
export const join = Effect.fnUntraced(function* (known: Known, listener: Listener) {
  const { graph, run } = known
  const tally = new Tally(graph, known.instances)
  const changed = Latch.makeUnsafe(false)
  let endedAs: RunStatus | undefined
  let before: RunState | undefined
  const tell = (notice: Notice) => listener(graph, notice)
  const account = (state: RunState, isFirst = false) => {
    if (state.status === "gone") return
    // What was complete a poll ago has been told by now, or the message is lost.
    const isMissed = before !== undefined && tally.completed < before.completed
    before = state
    if (!isFirst && !isMissed && tally.completed <= state.completed) return
    tally.correct(state.completed, state.instances)
    tell({ type: "progress", completed: state.completed, total: state.instances })
  }
  const away = new Away(tell)
  const clock = new StoreClock()
  const store = persistent(observed(yield* Coordination, away.client), { forMs: PATIENCE_MS })
  yield* store.subscribe(run, CLIENT, (message) => {
    away.heard(message)
    if (message.type === "unreachable" || message.type === "reachable") return
    tally.add(message)
    if (message.type === "ended" && message.status !== "gone") endedAs = message.status
    tell(message)
    // Who is woken may have missed something: the connection was lost, and is back.
    if (message.type === "ended" || message.type === "lost" || message.type === "wake") changed.openUnsafe()
  })
  return {
    ...known,
    tally,
    changed,
    clock,
    coordination: {
      ...store,
      begin: (spec, worker) => heard(clock, store.begin(spec, worker)),
      renew: (run, workers, taker) => heard(clock, store.renew(run, workers, taker)),
      state: (run) => Effect.tap(store.state(run), (state) => Effect.sync(() => account(state)))
    },
    endedAs: () => endedAs,
    account,
    reach: away.client
  } satisfies Party
})

const now = () => performance.timeOrigin + performance.now()

/** What answers say of the store's clock. */
const heard = <E, R>(clock: StoreClock, call: Effect.Effect<Reply, E, R>): Effect.Effect<Reply, E, R> =>
  Effect.suspend(() => {
    const calledAt = now()
    return Effect.tap(call, (reply) => Effect.sync(() => clock.heard(calledAt, now(), reply.now)))
  })

/** Workers of this process, until `leave` is called. */
export interface Workers {
  readonly invoker: Invoker
  readonly leave: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

/** Has the engine open the run. */
export const openWorkers = Effect.fnUntraced(function* (
  { clock, graph, plan, run }: Party,
  { engine, stores }: Settings,
  code: Pick<OpenRun, "behaviours" | "leaseMs" | "metrics" | "module" | "tasks">
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const invoker = yield* Scope.provide(engine.open({ ...code, run, graph, plan, stores }), scope)
  const stamped: Invoker = {
    ...invoker,
    invoke: (invocations) => Effect.suspend(() => invoker.invoke(stamp(invocations, clock.at(now()))))
  }
  return { invoker: stamped, leave: (exit) => Scope.close(scope, exit) } satisfies Workers
})

/** Whether a run is removed when its party's scope closes. */
export interface Removal {
  isDue: boolean
}

/** How long removing a run may take, in ms: it may have many objects; or the store hangs. */
const REMOVE_MS = 60_000
/** For how long a store may be away meanwhile, in ms: the result is there, and somebody waits for it. */
const REMOVE_PATIENCE_MS = 10_000

/** Removes the run when the scope closes, if that is due by then. */
export const removing = Effect.fnUntraced(function* (run: string, isDue: boolean) {
  const persistence = { forMs: REMOVE_PATIENCE_MS }
  const coordination = persistent(yield* Coordination, persistence)
  const objects = persistentObjects(yield* ObjectStore, persistence)
  const streams = persistentStreams(yield* Streams, persistence)
  const removal: Removal = { isDue }
  const remove = Effect.all([
    Effect.ignore(coordination.remove(run)),
    Effect.ignore(streams.removeRun(run)),
    Effect.ignore(objects.removeRun(run))
  ])
  yield* Effect.addFinalizer(() =>
    removal.isDue ? Effect.ignore(Effect.timeout(Effect.interruptible(remove), REMOVE_MS)) : Effect.void
  )
  return removal
})

/** How long a store may take to cancel a run, in ms. It may be away, and nobody wants to wait for that any more. */
const CANCEL_MS = 5000

/** How a party waits. */
export interface Waiting<R> {
  readonly engine: Pick<Engine, "name" | "parallelism">
  readonly untilOver: Effect.Effect<RunState, StoreError | EngineError, R>
  /** What becomes the outcome of a run that has ended. Default: its result, fetched. */
  readonly result?: typeof RunResult.check
  /** Ends this process's workers. */
  readonly leave: Workers["leave"]
  /** Told how the run ended for this party; before anything of it is removed. */
  readonly over: (outcome: Pick<Outcome, "exit">) => void
  /** What is to be remembered of the run. Default: nothing. */
  readonly record?: (summary: Summary, state: RunState) => Outcome["remember"]
}

/** Waits for the end of a run in the background, and fetches its result. */
export const follow = Effect.fnUntraced(function* <R>(party: Party, waiting: Waiting<R>) {
  const { coordination, graph, run, tally, workflow } = party
  const outcome = Deferred.makeUnsafe<Outcome>()
  const gaveUp = Deferred.makeUnsafe<never, StoreError | RunLeft>()
  const objects = persistentObjects(observedObjects(yield* ObjectStore, party.reach), { forMs: PATIENCE_MS })
  let last: RunState | undefined
  const result = Effect.flatMap(waiting.untilOver, (state) => {
    last = state
    return (waiting.result ?? RunResult.read)(party, state)
  }).pipe(
    Effect.provideService(Coordination, coordination),
    Effect.provideService(ObjectStore, objects),
    Effect.raceFirst(Deferred.await(gaveUp))
  )
  yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(result)
    yield* Effect.exit(waiting.leave(exit))
    const state = last ?? { ...goneState(run), workflow }
    if (state.status !== "gone") tally.correct(state.completed, state.instances)
    const summary = tally.summary({
      run,
      workflow,
      status: state.status,
      engine: waiting.engine.name,
      planner: party.plan.planner,
      makespanMs: Makespan.of(state),
      parallelism: waiting.engine.parallelism,
      notes: party.plan.notes
    })
    waiting.over({ exit })
    const remember = waiting.record?.(summary, state) ?? Effect.void
    yield* Deferred.succeed(outcome, { exit, summary, remember })
  }).pipe(Effect.forkScoped)
  return {
    run,
    workflow,
    graph,
    outcome: Deferred.await(outcome),
    cancel: (reason) =>
      Deferred.isDoneUnsafe(outcome)
        ? Effect.void
        : coordination.cancel(run, reason).pipe(
            Effect.timeoutOrElse({
              duration: CANCEL_MS,
              orElse: () => Effect.fail(notCancelled(run))
            }),
            Effect.catch((error) => Effect.asVoid(Deferred.fail(gaveUp, error))),
            // When all is over the connection ends, and with it what is asked of it.
            Effect.raceFirst(Effect.asVoid(Deferred.await(outcome)))
          ),
    leave: Effect.asVoid(Deferred.fail(gaveUp, new RunLeft({ run })))
  } satisfies Started
})

const notCancelled = (run: string) =>
  new StoreError({
    reason: "unavailable",
    operation: "cancel",
    detail: `it does not answer. Run ${run} may go on: when the store is back, \`weft cancel ${run}\` ends it`
  })

/** Whether a run came to an end for its client: if not, others may go on with it. */
export const isSettled = ({ exit }: Pick<Outcome, "exit">): boolean =>
  Exit.isSuccess(exit) ||
  exit.cause.reasons.some(
    (reason) =>
      Cause.isFailReason(reason) && ["RunFailed", "RunCancelled", "UnknownRun"].includes(reason.error._tag)
  )
