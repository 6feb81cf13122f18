/**
 * The heartbeat of a process: says that its workers live, while they run tasks that take longer than their lease.
 */
import { Coordination, type Reply, type RunStatus, type StoreError } from "@weft/storage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Invoker } from "./Engine.ts"
import { persistent } from "./Persistent.ts"
import { handOn } from "./Waiting.ts"

/** Who takes over what others lost: under which name, and how others are invoked for it. */
export interface Taking {
  readonly taker: string
  readonly invoker: Invoker
}

/**
 * Renews the leases of a run's workers in one call every third of the lease, while there are any. Returns when it is
 * told that the run is over, so that its workers can be ended; with an infinite lease never.
 *
 * A call that fails, or is not answered in time, is left for the next beat.
 *
 * @param workers those that live now; read at each beat
 * @param taking absent: only renews
 */
export const heartbeat = Effect.fnUntraced(function* (
  run: string,
  leaseMs: number,
  workers: ReadonlySet<string>,
  taking?: Taking
): Effect.fn.Return<RunStatus, StoreError, Coordination> {
  if (!Number.isFinite(leaseMs)) return yield* Effect.never
  const pauseMs = leaseMs / 3
  const pause = Duration.millis(pauseMs)
  const coordination = persistent(yield* Coordination, { forMs: pauseMs, maxMs: pauseMs / 4 })
  while (true) {
    yield* Effect.sleep(pause)
    if (workers.size === 0) continue
    const renewed = coordination.renew(run, [...workers], taking?.taker)
    const reply: Reply | undefined = yield* Effect.catch(
      Effect.timeoutOrElse(renewed, { duration: pause, orElse: () => Effect.succeed(undefined) }),
      (error) => (error.retryable ? Effect.succeed(undefined) : Effect.fail(error))
    )
    if (reply === undefined) continue
    if (reply.status !== "running") return reply.status
    // An invocation that cannot be sent is like one that was lost: noticed when its lease has run out.
    if (taking !== undefined) yield* Effect.ignore(handOn(run, reply, taking.invoker), { log: "Warn" })
  }
})
