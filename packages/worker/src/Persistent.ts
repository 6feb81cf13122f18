/**
 * Stores whose calls are repeated while the store cannot be reached.
 *
 * Every operation may be repeated unchanged (docs/protocol.md, "When a call fails"), so a store that is away for a
 * while costs time and nothing else.
 */
import type { Coordination, ObjectStore, StoreError, Streams } from "@weft/storage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** How long and how often calls are repeated. */
export interface Persistence {
  /** For how long after the first failure, in ms. Default 60,000. */
  readonly forMs?: number
  /** The first pause, in ms; each further one is twice as long. Default 50. */
  readonly firstMs?: number
  /** The longest pause, in ms. Default 2,000. */
  readonly maxMs?: number
  /** Told of each failed call before it is repeated. It may have taken effect: what it answered is lost. */
  readonly onFailure?: (error: StoreError) => void
  /** Told of a failure after which the call is not repeated any more, since that has lasted for too long. */
  readonly onGivenUp?: (error: StoreError) => void
}

const pausesOf = ({ firstMs = 50, forMs = 60_000, maxMs = 2000 }: Persistence) =>
  Schedule.min([
    Schedule.exponential(Duration.millis(firstMs)),
    Schedule.spaced(Duration.millis(maxMs))
  ]).pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: Duration.millis(forMs) }),
    Schedule.setInputType<StoreError>(),
    Schedule.while(({ input }) => input.retryable)
  )

type Call<Args extends ReadonlyArray<unknown>, A, R> = (...args: Args) => Effect.Effect<A, StoreError, R>

/** Repeats calls. What succeeds at once, as most do, costs next to nothing. */
const repeating = (persistence: Persistence) => {
  const { onFailure, onGivenUp } = persistence
  const pauses = pausesOf(persistence)
  const once = <A, R>(call: Effect.Effect<A, StoreError, R>) =>
    onFailure === undefined
      ? call
      : Effect.tapError(call, (error) => Effect.sync(() => error.retryable && onFailure(error)))
  return <Args extends ReadonlyArray<unknown>, A, R>(call: Call<Args, A, R>): Call<Args, A, R> =>
    (...args) => {
      const calling = once(Effect.suspend(() => call(...args)))
      return Effect.catch(calling, (error) => {
        if (!error.retryable) return Effect.fail(error)
        let first: StoreError | undefined = error
        const repeated = Effect.suspend(() => {
          if (first === undefined) return calling
          const failed = Effect.fail(first)
          first = undefined
          return failed
        })
        const retried = Effect.retry(repeated, pauses)
        return onGivenUp === undefined
          ? retried
          : Effect.tapError(retried, (last) => Effect.sync(() => last.retryable && onGivenUp(last)))
      })
    }
}

/** Coordination whose calls are repeated. `publish` is not: a hint that is late helps nobody. */
export const persistent = (
  store: Coordination["Service"],
  persistence: Persistence = {}
): Coordination["Service"] => {
  const repeat = repeating(persistence)
  return {
    inlineBytes: store.inlineBytes,
    begin: repeat(store.begin),
    load: repeat(store.load),
    complete: repeat(store.complete),
    keep: repeat(store.keep),
    adopt: repeat(store.adopt),
    renew: repeat(store.renew),
    attach: repeat(store.attach),
    detach: repeat(store.detach),
    abandon: repeat(store.abandon),
    fail: repeat(store.fail),
    cancel: repeat(store.cancel),
    read: repeat(store.read),
    waits: repeat(store.waits),
    state: repeat(store.state),
    runs: repeat(() => store.runs)(),
    remove: repeat(store.remove),
    usage: repeat(() => store.usage)(),
    publish: store.publish,
    subscribe: repeat(store.subscribe)
  }
}

/** Streams whose calls are repeated. */
export const persistentStreams = (
  store: Streams["Service"],
  persistence: Persistence = {}
): Streams["Service"] => {
  const repeat = repeating(persistence)
  return {
    lifeMs: store.lifeMs,
    append: repeat(store.append),
    read: repeat(store.read),
    leave: repeat(store.leave),
    abandon: repeat(store.abandon),
    removeRun: repeat(store.removeRun),
    usage: repeat(() => store.usage)(),
    subscribe: repeat(store.subscribe)
  }
}

/** An object store whose calls are repeated. */
export const persistentObjects = (
  store: ObjectStore["Service"],
  persistence: Persistence = {}
): ObjectStore["Service"] => {
  const repeat = repeating(persistence)
  return {
    put: repeat(store.put),
    get: repeat(store.get),
    remove: repeat(store.remove),
    removeRun: repeat(store.removeRun),
    usage: repeat(() => store.usage)()
  }
}
