/**
 * An object store in two tiers: one that answers soon, such as Redis, for small objects; one that has room, such as S3,
 * for large ones.
 *
 * Whoever reads does not know where an object lies. All keys are looked for in the small tier, in one read; the same
 * read brings a mark that the run has large objects. Without the mark the large tier is not asked at all: a run whose
 * objects are all small never costs a round trip to it, not even when it is removed. The mark is put before the first
 * large object of a run. A mark for each large object would cost a write each, and spare no more than the look-up of
 * objects that are gone.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ObjectStore } from "./ObjectStore.ts"
import type { StoreError } from "./StoreError.ts"

/** The tiers, and what goes where. */
export interface TieredOptions<E1, R1, E2, R2> {
  /** Every operation asks this one. */
  readonly small: Layer.Layer<ObjectStore, E1, R1>
  readonly large: Layer.Layer<ObjectStore, E2, R2>
  /** Objects of more bytes are large. */
  readonly thresholdBytes: number
}

/** In the small tier, of each run that has large objects. */
const MARK = "~large"
/** How many runs are known to have large objects without asking. */
const KNOWN_RUNS = 1_024

/**
 * One store of two. A key may be put again with another size: the last one counts.
 *
 * `usage` counts both tiers, and one more for each run with large objects: its mark.
 */
export const tiered = <E1, R1, E2, R2>(
  options: TieredOptions<E1, R1, E2, R2>
): Layer.Layer<ObjectStore, E1 | E2, R1 | R2> =>
  Layer.effect(
    ObjectStore,
    Effect.gen(function* () {
      // Built apart, since both are the same service.
      const small = Context.get(yield* Layer.build(options.small), ObjectStore)
      const large = Context.get(yield* Layer.build(options.large), ObjectStore)
      return make(small, large, options.thresholdBytes)
    })
  )

const make = (
  small: ObjectStore["Service"],
  large: ObjectStore["Service"],
  thresholdBytes: number
): ObjectStore["Service"] => {
  /** Runs that have the mark. Not to know one costs a read, no more. */
  const marked = new Set<string>()
  const remember = (run: string) => {
    // A set is in the order of insertion.
    if (marked.size === KNOWN_RUNS) for (const oldest of marked) if (marked.delete(oldest)) break
    marked.add(run)
  }

  const mark = (run: string): Effect.Effect<void, StoreError> =>
    Effect.suspend(() =>
      marked.has(run)
        ? Effect.void
        : Effect.map(small.put(run, MARK, new Uint8Array([1])), () => remember(run))
    )

  const isMarked = (run: string): Effect.Effect<boolean, StoreError> =>
    Effect.suspend(() => {
      if (marked.has(run)) return Effect.succeed(true)
      return Effect.map(small.get(run, [MARK]), ([found]) => {
        if (found !== undefined) remember(run)
        return found !== undefined
      })
    })

  const get = Effect.fnUntraced(function* (run: string, keys: ReadonlyArray<string>) {
    if (keys.length === 0) return []
    const [markFound, ...found] = yield* small.get(run, [MARK, ...keys])
    if (markFound !== undefined && !marked.has(run)) remember(run)
    if (!marked.has(run)) return found
    const missing = keys.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found
    const fetched = (yield* large.get(run, missing)).values()
    return found.map((bytes) => bytes ?? fetched.next().value)
  })

  const both = (
    first: Effect.Effect<void, StoreError>,
    second: Effect.Effect<void, StoreError>
  ): Effect.Effect<void, StoreError> => Effect.all([first, second], { concurrency: 2, discard: true })

  return ObjectStore.of({
    // A small one hides a large one of the same key, which goes with the key or with the run.
    put: (run, key, bytes) =>
      bytes.length <= thresholdBytes
        ? small.put(run, key, bytes)
        : mark(run).pipe(
            Effect.andThen(large.put(run, key, bytes)),
            Effect.andThen(small.remove(run, [key]))
          ),
    get,
    remove: (run, keys) =>
      keys.length === 0
        ? Effect.void
        : Effect.flatMap(isMarked(run), (yes) =>
            yes ? both(small.remove(run, keys), large.remove(run, keys)) : small.remove(run, keys)
          ),
    // The mark goes last, so that removing can be repeated.
    removeRun: (run) =>
      isMarked(run).pipe(
        Effect.flatMap((yes) => (yes ? large.removeRun(run) : Effect.void)),
        Effect.andThen(small.removeRun(run)),
        Effect.andThen(Effect.sync(() => marked.delete(run))),
        Effect.asVoid
      ),
    usage: Effect.zipWith(small.usage, large.usage, (a, b) => a + b, { concurrent: true })
  })
}
