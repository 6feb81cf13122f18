/**
 * Whether a store can be reached: told to people while calls are repeated because it does not answer.
 */
import type { Coordination, StoreError } from "@weft/storage"
import { Clock, Effect } from "effect"
import type { ReachNotice } from "../Events.ts"

/** How long a store may be away before people are told, in ms. */
const TELL_MS = 1000

/** The same calls, as far as a client makes them; `tell` hears when they fail for long, and when they work again. */
export const observed = (
  coordination: Coordination["Service"],
  tell: (notice: ReachNotice) => void
): Coordination["Service"] => {
  let silentSince: number | undefined
  let isTold = false
  const answered = () => {
    silentSince = undefined
    if (!isTold) return
    isTold = false
    tell({ type: "reachable" })
  }
  const failed = Effect.fnUntraced(function* (error: StoreError) {
    if (!error.retryable) return
    const now = yield* Clock.currentTimeMillis
    silentSince ??= now
    if (isTold || now - silentSince < TELL_MS) return
    isTold = true
    tell({ type: "unreachable", detail: error.detail })
  })
  const observe = <A>(call: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.tapError(
      Effect.tap(call, () => Effect.sync(answered)),
      failed
    )
  return {
    ...coordination,
    begin: (spec, worker) => observe(coordination.begin(spec, worker)),
    renew: (run, workers, taker) => observe(coordination.renew(run, workers, taker)),
    read: (run, instances) => observe(coordination.read(run, instances)),
    state: (run) => observe(coordination.state(run)),
    cancel: (run, reason) => observe(coordination.cancel(run, reason))
  }
}
