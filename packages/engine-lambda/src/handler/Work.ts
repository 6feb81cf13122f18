/**
 * The life of a worker in a function.
 *
 * Its first word is `adopt`: from then on the worker has begun, and whoever gets the same event once more is refused. When
 * it answers nothing of it is left running, since Lambda freezes the environment then.
 */
import { Instance } from "@weft/core"
import { Coordination, ObjectStore, StoreError, Streams } from "@weft/storage"
import {
  EngineError,
  Fault as Faults,
  Host,
  type Invocation,
  type Invoker,
  invocationsFor,
  ModuleError,
  persistent,
  persistentObjects,
  type Started,
  Timing,
  unusable,
  Worker,
  withoutRefused
} from "@weft/worker"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Event } from "../Events.ts"
import { makeInvoker } from "../Invoking.ts"
import { type EventError, type RunSettings, read, type Task } from "../Payload.ts"
import type { Services } from "./Connection.ts"
import type { Known } from "./Contexts.ts"
import type { Environment } from "./Environment.ts"
import { leadsToFanOut } from "./FanOut.ts"
import type { LambdaContext } from "./LambdaContext.ts"

/**
 * - `worked`: the worker has run to its end
 * - `refused`: there was nothing for it to do: the event came twice, or others have its work
 * - `over`: the run is over
 */
export type WorkOutcome = "worked" | "refused" | "over"

/** What an invocation answers; nobody waits for it, but it stands in logs and destinations. */
export interface Worked {
  readonly run: string
  readonly worker: string
  readonly outcome: WorkOutcome
}

/** How long ago the lease of a worker that begins may have been given, in ms. */
const BEGUN_MS = 1000
/** What of its time a worker does not spend on sending again what Lambda does not take, in ms. */
const LAST_MS = 500

/** Runs the worker of an event. Fails if the worker failed by a fault of its own; others have its work by then. */
export const work = Effect.fnUntraced(function* (
  environment: Environment,
  event: Extract<Event, { readonly weft: "work" }>,
  lambda: LambdaContext
): Effect.fn.Return<Worked, Fault> {
  const { connection, contexts, sender } = environment
  const { run, worker } = event
  const { now } = yield* Timing
  const at = now()
  const cold = environment.isFresh
  environment.isFresh = false
  const readEvent = (services: Services) => read(event, Context.get(services, ObjectStore))
  // Nothing is asked of a store for an event that says all itself.
  const task = yield* event.object === undefined
    ? Effect.flatMap(connection.services, readEvent)
    : connection.first(readEvent)
  const { invocation, seen, settings } = task
  if (invocation.spawn.length > 0) sender.load().catch(() => {})
  const known = (services: Services) => Effect.provideContext(contexts.of(run, settings.document), services)
  // What has to be loaded waits until the connection has shown that it works.
  const decoding =
    settings.document === undefined
      ? undefined
      : yield* Effect.forkChild(Effect.flatMap(connection.services, known))
  // The same one each time that the call is made: what it said before its answer was lost must not refuse it.
  const incarnation = crypto.randomUUID()
  const begun = yield* connection.first((services) =>
    begin(Context.get(services, Coordination), invocation, incarnation)
  )
  if (typeof begun === "string") return { run, worker, outcome: begun }
  const services = yield* connection.services
  const life = Effect.flatMap(decoding === undefined ? known(services) : Fiber.join(decoding), (found) =>
    found === undefined
      ? Effect.void
      : live(environment, found, { invocation: begun, seen, settings }, lambda, {
          at,
          cold,
          loadMs: now() - at
        })
  )
  const isRenewed = settings.leaseMs < lambda.getRemainingTimeInMillis() + BEGUN_MS
  const attend = isRenewed
    ? attended(environment, begun, settings, life)
    : unattended(environment, begun, life)
  const outcome = yield* Effect.provideContext(attend, services)
  return { run, worker, outcome }
})

/** What a worker may fail by. */
export type Fault = EventError | StoreError | EngineError | ModuleError

/** The worker begins; answers what is left for it to do. */
const begin = Effect.fnUntraced(function* (
  coordination: Coordination["Service"],
  invocation: Invocation,
  incarnation: string
): Effect.fn.Return<Invocation | "refused" | "over", StoreError> {
  const { from, run, work, worker } = invocation
  if (work.length === 0) {
    // A named worker attaches later; and who has only others to invoke takes nothing from anybody.
    const { status } = yield* coordination.state(run)
    return status === "running" ? invocation : "over"
  }
  const instances = work.map(({ instance }) => instance)
  const { refused, status } = yield* coordination.adopt(run, worker, instances, incarnation, from)
  if (status !== "running") return "over"
  const left = withoutRefused(work, refused)
  return left.length === 0 ? "refused" : { ...invocation, work: left, adopted: true }
})

/** Runs the worker, whose lease is renewed, until its run is over. */
const attended = Effect.fnUntraced(function* (
  environment: Environment,
  invocation: Invocation,
  { leaseMs }: RunSettings,
  life: Effect.Effect<void, Fault, Coordination | ObjectStore>
): Effect.fn.Return<WorkOutcome, Fault, Coordination | ObjectStore> {
  const { run, worker } = invocation
  const { renewal } = environment
  const leases = renewal.open({ run, leaseMs, stores: yield* environment.connection.reference })
  leases.hold(worker)
  const fiber = yield* Effect.forkChild(refusable(invocation, life))
  environment.interrupt = (over) => {
    if (over === run) fiber.interruptUnsafe()
  }
  const exit = yield* Fiber.await(fiber).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        environment.interrupt = undefined
        leases.release(worker)
        renewal.close(run)
      })
    )
  )
  if (Exit.isSuccess(exit)) return "worked"
  return Cause.hasInterruptsOnly(exit.cause) ? "over" : yield* Effect.failCause(exit.cause)
})

/** Runs the worker, whose lease is longer than the function's time, so that nobody need renew it. */
const unattended = (
  { renewal }: Environment,
  invocation: Invocation,
  life: Effect.Effect<void, Fault, Coordination | ObjectStore>
): Effect.Effect<WorkOutcome, Fault, Coordination | ObjectStore> => {
  renewal.rest()
  return Effect.as(refusable(invocation, life), "worked")
}

/** The worker's life; what no other could do better fails the run. */
const refusable = (invocation: Invocation, life: Effect.Effect<void, Fault, Coordination | ObjectStore>) =>
  Effect.catchIf(life, isFinal, (error) => unusable(invocation, error))

/** What no other worker could do better: the run fails. */
const isFinal = (error: Fault): error is ModuleError | StoreError | EngineError =>
  error instanceof ModuleError ||
  error instanceof EngineError ||
  (error instanceof StoreError && !error.retryable)

const live = Effect.fnUntraced(function* (
  environment: Environment,
  { context, sizes }: Known,
  { invocation, seen, settings }: Task,
  lambda: LambdaContext,
  started: Started
): Effect.fn.Return<void, StoreError | EngineError, Coordination | ObjectStore> {
  const { memoryMiB, sender } = environment
  const { run, worker } = invocation
  context.durations.heard(seen)
  // Loaded while tasks run, not when others wait to be invoked.
  if (invocation.work.some(({ instance }) => leadsToFanOut(context.graph, Instance.nodeOf(instance)))) {
    sender.load().catch(() => {})
  }
  const remainingMs = () => lambda.getRemainingTimeInMillis()
  const invoker = makeInvoker({
    run,
    settings,
    sizes,
    sender,
    coordination: persistent(yield* Coordination),
    objects: persistentObjects(yield* ObjectStore),
    memoryMiB,
    seen: () => context.durations.seen(),
    patienceMs: () => Math.max(0, Math.min(settings.leaseMs, remainingMs() - LAST_MS))
  })
  let unsent = invocation.spawn
  const own: Invoker = {
    ...invoker,
    invoke: (invocations) => {
      unsent = []
      return invoker.invoke(invocations)
    }
  }
  const host = Host.of({
    // Nobody else could have its place.
    idle: (waiting) => waiting,
    guard: (_worker, _instance, _task, ms) => environment.guards.guard(ms),
    remainingMs,
    started
  })
  yield* Worker.run(context, invocation, own).pipe(
    Effect.provideService(Host, host),
    Effect.tapCause((cause) =>
      isFault(cause)
        ? Effect.ignore(giveUp(invoker, run, worker, unsent, Faults.describe(cause)))
        : Effect.void
    ),
    // Nothing goes on here afterwards.
    Effect.ensuring(context.recording?.flush ?? Effect.void)
  )
})

/** Whether others may have more luck. */
const isFault = (cause: Cause.Cause<StoreError | EngineError>): boolean =>
  !Cause.hasInterruptsOnly(cause) &&
  !cause.reasons.some((reason) => Cause.isFailReason(reason) && isFinal(reason.error))

/** A worker that ended by a fault of its own is lost: others get at once what it had, and had not yet sent on. */
const giveUp = Effect.fnUntraced(function* (
  invoker: Invoker,
  run: string,
  worker: string,
  unsent: ReadonlyArray<Invocation>,
  reason: string
) {
  const coordination = yield* Coordination
  const streams = yield* Effect.serviceOption(Streams)
  if (Option.isSome(streams)) yield* Effect.ignore(streams.value.abandon(run, [worker]))
  const reply = yield* coordination.abandon(run, [worker], `lambda-${crypto.randomUUID()}`, reason)
  yield* invoker.invoke([...unsent, ...invocationsFor(run, reply, invoker)])
})
