/**
 * Waiting for a run's end, as clients do. Who waits is a party like any other: it takes over what lost workers left,
 * and invokes others for it. So a run survives the death of all its workers while somebody waits.
 */
import { CLIENT, Coordination, type Reply, type RunState, type StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type { EngineError, Invoker } from "./Engine.ts"
import { invocationsFor } from "./stages/HandOff.ts"

/** Invokes workers for what an answer handed over. */
export const handOn = (run: string, reply: Reply, invoker: Invoker): Effect.Effect<void, EngineError> =>
  Effect.suspend(() => {
    const invocations = invocationsFor(run, reply, invoker)
    return invocations.length === 0 ? Effect.void : invoker.invoke(invocations)
  })

/**
 * Waits until the run is over, and meanwhile takes over what was lost.
 *
 * @param changed is opened by whoever hears that something may have changed
 * @param pollMs how long to wait for that before the store is asked anyway, in ms; at most a third of the lease, so that
 *   what was lost goes on soon after its lease has run out
 */
export const untilOver = Effect.fnUntraced(function* (
  run: string,
  invoker: Invoker,
  changed: Latch.Latch,
  pollMs: number
): Effect.fn.Return<RunState, StoreError | EngineError, Coordination> {
  const coordination = yield* Coordination
  while (true) {
    const state = yield* coordination.state(run)
    if (state.status !== "running") return state
    yield* Effect.timeoutOption(changed.await, Math.min(pollMs, state.leaseMs / 3))
    changed.closeUnsafe()
    yield* handOn(run, yield* coordination.renew(run, [], CLIENT), invoker)
  }
})
