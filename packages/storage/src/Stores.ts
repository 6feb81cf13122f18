/**
 * Stores: where runs are coordinated, stored and remembered, as one thing that is chosen for a run.
 *
 * An adapter's module exports a function `stores` that makes them from plain options. So worker processes elsewhere,
 * which get no objects of ours, can get at the same stores: they are told the module and the options. A bundle, which
 * has no modules to import, {@link carry carries} adapters with it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { carried } from "./Carried.ts"
import type { Coordination } from "./Coordination.ts"
import * as CoordinationMemory from "./CoordinationMemory.ts"
import { History } from "./History.ts"
import { ObjectStore } from "./ObjectStore.ts"
import { StoreError } from "./StoreError.ts"
import type { Streams } from "./Streams.ts"
import * as StreamsMemory from "./StreamsMemory.ts"

/** How a process elsewhere makes the same stores. Plain data; holds secrets, and must not be shown. */
export interface StoresReference {
  /** The URL of a module that exports `stores: (options, base) => Stores`; or a name under which a bundle carries it. */
  readonly module: string
  readonly options: unknown
  /** The stores that these are built on, if any. */
  readonly base?: StoresReference | undefined
}

/** Where runs are coordinated, stored and remembered. */
export interface Stores {
  /** As people are told, without secrets: `redis://localhost:6379`. */
  readonly name: string
  /** Connects when it is built, and ends its connections with its scope. */
  readonly layer: Layer.Layer<Coordination | ObjectStore | Streams | History, StoreError>
  /** `undefined` if only this process gets at them. */
  readonly reference: StoresReference | undefined
}

/** In this process's memory. Each call makes stores of their own. */
export const memory = (): Stores => ({
  name: "memory",
  layer: Layer.mergeAll(
    CoordinationMemory.layer,
    ObjectStore.layerMemory,
    StreamsMemory.layer,
    History.layerMemory
  ),
  reference: undefined
})

export { carry } from "./Carried.ts"

/** Makes the stores that another process referred to. */
export const load = Effect.fnUntraced(function* ({
  base,
  module,
  options
}: StoresReference): Effect.fn.Return<Stores, StoreError> {
  const below: Stores | undefined = base && (yield* load(base))
  return yield* Effect.tryPromise({
    try: async () => {
      const exported = (await (carried.get(module)?.() ?? import(module))) as {
        readonly stores?: (options: unknown, base: Stores | undefined) => Stores
      }
      if (typeof exported.stores !== "function") throw new Error("it exports no function `stores`")
      return exported.stores(options, below)
    },
    catch: (cause) =>
      cause instanceof StoreError
        ? cause
        : new StoreError({
            reason: "refused",
            operation: "be opened",
            detail: `the adapter ${module} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
            cause
          })
  })
})
