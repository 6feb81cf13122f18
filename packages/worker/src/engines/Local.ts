/**
 * Workers as fibers of this thread, as many at once as there are places.
 */
import { Coordination, History, ObjectStore, Streams } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import { Host, type Invoker } from "../Engine.ts"
import { type Invocation, sentLater } from "../Invocation.ts"
import { persistent } from "../Persistent.ts"
import type { RunContext } from "../RunContext.ts"
import { adoptAll, invocationsFor } from "../stages/HandOff.ts"
import * as Worker from "../Worker.ts"
import * as Fault from "./Fault.ts"
import type { Leases } from "./Leases.ts"

/** How workers are run. */
export interface LocalOptions {
  /** How many may be active at once. */
  readonly concurrency: number
  readonly fanOut: number
  readonly idleMs: number
  readonly leases: Leases
  /** Under which name lost work is taken over. */
  readonly taker: string
}

/** Workers of one run in this thread. */
export interface Local {
  readonly invoker: Invoker
  /** How many there are: active, idle, or waiting for a place. */
  readonly size: () => number
}

/** Opens a run here. When the scope closes its workers have ended. */
export const open = Effect.fnUntraced(function* (context: RunContext, options: LocalOptions) {
  const coordination = yield* Coordination
  const calls = persistent(coordination)
  const objects = yield* ObjectStore
  const streams = yield* Effect.serviceOption(Streams)
  const history = yield* Effect.serviceOption(History)
  const abandonStreams = yield* streamsAbandoning(context.run)
  const { run } = context
  const { leases } = options
  const places = Semaphore.makeUnsafe(options.concurrency)
  // When they have ended.
  yield* Effect.addFinalizer(() => context.recording?.flush ?? Effect.void)
  const workers = yield* FiberSet.make<void>()
  let size = 0
  const host = Host.of({
    idle: (waiting) => Effect.andThen(places.release(1), Effect.ensuring(waiting, places.take(1))),
    guard: () => () => {}
  })

  const start = (invocation: Invocation): Effect.Effect<void> => {
    let unsent = invocation.spawn
    const own: Invoker = {
      ...invoker,
      invoke: (invocations) => {
        unsent = []
        return invoker.invoke(invocations)
      }
    }
    const queuedAt = performance.now()
    const life = Effect.suspend(() =>
      Worker.run(
        context,
        sentLater(invocation, performance.now() - queuedAt),
        unsent.length === 0 ? invoker : own
      )
    )
    return places.withPermit(life).pipe(
      Effect.provideService(Coordination, coordination),
      Effect.provideService(ObjectStore, objects),
      Effect.provideService(Host, host),
      Option.isSome(streams) ? Effect.provideService(Streams, streams.value) : identity,
      Option.isSome(history) ? Effect.provideService(History, history.value) : identity,
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.ignore(replace(invocation.worker, unsent, Fault.describe(cause)))
      ),
      Effect.ensuring(
        Effect.sync(() => {
          size--
          leases.release(invocation.worker)
        })
      )
    )
  }

  /** A worker that ended by a fault of its own is lost: what it had, and had not yet sent on, is given to others. */
  const replace = Effect.fnUntraced(function* (
    worker: string,
    unsent: ReadonlyArray<Invocation>,
    reason: string
  ) {
    yield* abandonStreams([worker])
    const reply = yield* calls.abandon(run, [worker], options.taker, reason)
    yield* invoker.invoke([...unsent, ...invocationsFor(run, reply, invoker)])
  })

  const invoker: Invoker = {
    parallelism: options.concurrency,
    fanOut: options.fanOut,
    idleMs: options.idleMs,
    payloadBytes: Number.POSITIVE_INFINITY,
    worthMs: 0,
    invoke: Effect.fnUntraced(function* (invocations) {
      for (const invocation of yield* adoptAll(calls, run, invocations)) {
        size++
        leases.hold(invocation.worker)
        yield* FiberSet.run(workers, start(invocation))
      }
    })
  }
  return { invoker, size: () => size } satisfies Local
})

/** Says that nobody need wait any longer for what lost workers stream, or read. A hint: after a while it shows by itself. */
export const streamsAbandoning = (
  run: string
): Effect.Effect<(workers: ReadonlyArray<string>) => Effect.Effect<void>> =>
  Effect.map(
    Effect.serviceOption(Streams),
    (streams) => (workers) =>
      Option.isSome(streams) ? Effect.ignore(streams.value.abandon(run, workers)) : Effect.void
  )
