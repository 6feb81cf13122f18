/**
 * The stores that runs refer to, connected once for each reference and kept: the next run most likely has the same.
 */
import {
  type Coordination,
  type ObjectStore,
  type StoreError,
  Stores,
  type StoresReference
} from "@weft/storage"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"

const connections = new Map<string, Promise<Context.Context<Coordination | ObjectStore>>>()

/** The stores of a reference. They stay connected until the thread ends. */
export const connect = (
  reference: StoresReference
): Effect.Effect<Context.Context<Coordination | ObjectStore>, StoreError> =>
  Effect.tryPromise({
    try: () => {
      const key = JSON.stringify(reference)
      const known = connections.get(key)
      if (known !== undefined) return known
      const connecting = Effect.runPromise(open(reference))
      connections.set(key, connecting)
      // The next may be luckier.
      connecting.catch(() => connections.delete(key))
      return connecting
    },
    catch: (error) => error as StoreError
  })

/** How often connecting is tried again while the store cannot be reached, in ms, and for how long. */
const AGAIN_MS = 250
const PATIENCE_MS = 30_000

const open = Effect.fnUntraced(function* (reference: StoresReference) {
  const { layer } = yield* Stores.load(reference)
  const build = Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return Effect.onError(Layer.buildWithScope(layer, scope), (cause) =>
      Scope.close(scope, Exit.failCause(cause))
    )
  })
  return yield* Effect.retry(build, {
    while: ({ retryable }) => retryable,
    schedule: Schedule.upTo(Schedule.spaced(AGAIN_MS), { duration: PATIENCE_MS })
  })
})
