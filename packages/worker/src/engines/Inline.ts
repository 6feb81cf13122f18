/**
 * The engine `inline`: workers are fibers in this process. Needs nothing; best for small tasks, tasks that wait, and
 * tests. Tasks that compute run one after another, as everything in one JavaScript thread does.
 */
import type { InstanceId } from "@weft/core"
import { Coordination, ObjectStore } from "@weft/storage"
import { Cause, Effect, FiberSet, Semaphore } from "effect"
import { type Engine, Host, type Invoker, type OpenRun } from "../Engine.ts"
import type { Invocation } from "../Invocation.ts"
import { RunContext } from "../RunContext.ts"
import { invocationsFor } from "../stages/HandOff.ts"
import { captureConsole } from "../TaskContext.ts"
import * as Worker from "../Worker.ts"

/** Options of the `inline` engine. */
export interface InlineOptions {
  /** How many workers may be active at once. Default 64: tasks that wait overlap. */
  readonly concurrency?: number
  /** How many workers one worker invokes itself before the rest is left to others. Default: any number. */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 1,000. */
  readonly idleMs?: number
}

/** Makes an `inline` engine. */
export const inline = (options: InlineOptions = {}): Engine => {
  const { concurrency = 64, fanOut = Number.POSITIVE_INFINITY, idleMs = 1000 } = options
  return {
    name: "inline",
    parallelism: 1,
    open: (run) => open(run, { concurrency, fanOut, idleMs })
  }
}

const open = Effect.fnUntraced(function* (run: OpenRun, options: Required<InlineOptions>) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const context = new RunContext(run)
  const places = Semaphore.makeUnsafe(options.concurrency)
  yield* Effect.acquireRelease(Effect.sync(captureConsole), (release) => Effect.sync(release))
  const workers = yield* FiberSet.make<void>()
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
    return places.withPermit(Worker.run(context, invocation, unsent.length === 0 ? invoker : own)).pipe(
      Effect.provideService(Coordination, coordination),
      Effect.provideService(ObjectStore, objects),
      Effect.provideService(Host, host),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.ignore(replace(invocation.worker, unsent, Cause.pretty(cause)))
      )
    )
  }

  /** A worker that ended by a fault of its own is lost: what it had, and had not yet sent on, is given to others. */
  const replace = Effect.fnUntraced(function* (
    worker: string,
    unsent: ReadonlyArray<Invocation>,
    reason: string
  ) {
    const reply = yield* coordination.abandon(run.run, [worker], ENGINE, reason)
    yield* invoker.invoke([...unsent, ...invocationsFor(run.run, reply, invoker)])
  })

  const invoker: Invoker = {
    parallelism: options.concurrency,
    fanOut: options.fanOut,
    idleMs: options.idleMs,
    payloadBytes: Number.POSITIVE_INFINITY,
    invoke: Effect.fnUntraced(function* (invocations) {
      for (const invocation of invocations) {
        yield* Effect.ignore(coordination.adopt(run.run, invocation.worker, held(invocation)))
        yield* FiberSet.run(workers, start(invocation))
      }
    })
  }
  return invoker
})

/** Who takes over for the engine. */
const ENGINE = "engine"

const held = (invocation: Invocation): ReadonlyArray<InstanceId> =>
  invocation.work.map(({ instance }) => instance)
