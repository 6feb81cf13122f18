/** An engine whose workers have sizes and little time, as on AWS Lambda; in this process. */
import { Coordination, ObjectStore, Streams } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import {
  adoptAll,
  type Engine,
  Host,
  type Invocation,
  type Invoker,
  RunContext,
  Sizes,
  Worker
} from "../src/index.ts"

export interface ServerlessOptions {
  readonly parallelism?: number
  readonly fanOut?: number
  readonly idleMs?: number
  /** Makes a worker's clock: how long it may go on, in ms. Default: for ever. */
  readonly clock?: () => () => number
  /** Whether workers have sizes. */
  readonly sized?: boolean
  readonly prewarm?: Invoker["prewarm"]
  /** Told of each worker that starts. */
  readonly onStart?: (invocation: Invocation) => void
}

/** A worker's clock by the time of this process. */
export const limitedTo = (ms: number) => () => {
  const end = performance.now() + ms
  return () => end - performance.now()
}

export const serverless = (options: ServerlessOptions): Engine => {
  const {
    clock,
    fanOut = Number.POSITIVE_INFINITY,
    idleMs = 5,
    onStart,
    parallelism = 2,
    sized = false
  } = options
  return {
    name: "serverless",
    parallelism,
    open: Effect.fnUntraced(function* (run) {
      const coordination = yield* Coordination
      const objects = yield* ObjectStore
      const streams = yield* Effect.serviceOption(Streams)
      const context = new RunContext(run)
      const workers = yield* FiberSet.make<void>()
      const sizes = sized ? new Sizes(run.graph, run.plan) : undefined
      const start = (invocation: Invocation) => {
        onStart?.(invocation)
        const host = Host.of({
          idle: (waiting) => waiting,
          guard: () => () => {},
          ...(clock === undefined ? {} : { remainingMs: clock() })
        })
        return Worker.run(context, invocation, { ...invoker, memoryMiB: invocation.memoryMiB }).pipe(
          Effect.provideService(Coordination, coordination),
          Effect.provideService(ObjectStore, objects),
          Option.isSome(streams) ? Effect.provideService(Streams, streams.value) : identity,
          Effect.provideService(Host, host),
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.void
              : Effect.ignore(coordination.cancel(run.run, `a worker failed: ${Cause.pretty(cause)}`))
          )
        )
      }
      const invoker: Invoker = {
        parallelism,
        fanOut,
        idleMs,
        payloadBytes: 65_536,
        worthMs: 0,
        sizes,
        ...(options.prewarm === undefined ? {} : { prewarm: options.prewarm }),
        invoke: Effect.fnUntraced(function* (invocations) {
          for (const invocation of yield* adoptAll(coordination, run.run, invocations)) {
            yield* FiberSet.run(workers, start(invocation))
          }
        })
      }
      return invoker
    })
  }
}
