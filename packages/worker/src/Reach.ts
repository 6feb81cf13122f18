/**
 * Whether a store can be reached: told to people while calls are repeated because it does not answer.
 */
import type { ObjectStore, StoreError } from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** A store that has not answered for a while, or that answers again. Meanwhile calls are repeated. */
export type ReachNotice =
  | { readonly type: "unreachable"; readonly detail: string }
  | { readonly type: "reachable" }

/** How long a store may be away before people are told, in ms. */
const TELL_MS = 1000

/** Watches the calls of one store. */
export class Reach {
  private readonly tell: (notice: ReachNotice) => void
  private silentSince: number | undefined
  private isTold = false

  /** @param tell hears when calls fail for long, and when they work again */
  constructor(tell: (notice: ReachNotice) => void) {
    this.tell = tell
  }

  /** The same call, watched. */
  observe<A>(call: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> {
    return Effect.flatMap(Clock.currentTimeMillis, (calledAt) =>
      Effect.tapError(
        Effect.tap(call, () => Effect.sync(() => this.answered())),
        (error) => (error.retryable ? this.failed(calledAt, error) : Effect.void)
      )
    )
  }

  private answered() {
    this.silentSince = undefined
    if (!this.isTold) return
    this.isTold = false
    this.tell({ type: "reachable" })
  }

  private failed(calledAt: number, { detail }: StoreError): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      this.silentSince ??= calledAt
      if (this.isTold || now - this.silentSince < TELL_MS) return
      this.isTold = true
      this.tell({ type: "unreachable", detail })
    })
  }
}

/** The same object store, watched as far as somebody waits for it. */
export const observedObjects = (
  store: ObjectStore["Service"],
  tell: (notice: ReachNotice) => void
): ObjectStore["Service"] => {
  const reach = new Reach(tell)
  return {
    ...store,
    put: (run, key, bytes) => reach.observe(store.put(run, key, bytes)),
    get: (run, keys) => reach.observe(store.get(run, keys))
  }
}
