/**
 * The object store: values that are too large for coordination, by run and key.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { StoreError } from "./StoreError.ts"

/** Bytes by run and key. Putting a key twice keeps the last; removing what is not there is no error. */
export class ObjectStore extends Context.Service<
  ObjectStore,
  {
    readonly put: (run: string, key: string, bytes: Uint8Array) => Effect.Effect<void, StoreError>
    /** In the order of the keys; `undefined` for what is not there. */
    readonly get: (
      run: string,
      keys: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Uint8Array | undefined>, StoreError>
    readonly remove: (run: string, keys: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
    readonly removeRun: (run: string) => Effect.Effect<void, StoreError>
    /** How many objects are kept, over all runs. */
    readonly usage: Effect.Effect<number, StoreError>
  }
>()("@weft/storage/ObjectStore") {
  /** In this process's memory. Does not copy: bytes must not be changed after they were put. */
  static readonly layerMemory: Layer.Layer<ObjectStore> = Layer.sync(ObjectStore, () => {
    const runs = new Map<string, Map<string, Uint8Array>>()
    const objects = (run: string) => {
      const known = runs.get(run) ?? new Map<string, Uint8Array>()
      runs.set(run, known)
      return known
    }
    return ObjectStore.of({
      put: (run, key, bytes) => Effect.sync(() => void objects(run).set(key, bytes)),
      get: (run, keys) => Effect.sync(() => keys.map((key) => runs.get(run)?.get(key))),
      remove: (run, keys) =>
        Effect.sync(() => {
          const known = runs.get(run)
          for (const key of keys) known?.delete(key)
          if (known?.size === 0) runs.delete(run)
        }),
      removeRun: (run) => Effect.sync(() => void runs.delete(run)),
      usage: Effect.sync(() => runs.values().reduce((sum, known) => sum + known.size, 0))
    })
  })
}
