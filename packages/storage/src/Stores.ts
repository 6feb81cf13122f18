/**
 * Stores: where runs are coordinated, stored and remembered, as one thing that is chosen for a run.
 *
 * An adapter's module exports a function `stores` that makes them from plain options. So worker processes elsewhere,
 * which get no objects of ours, can get at the same stores: they are told the module and the options.
 */
import { Effect, Layer } from "effect"
import type { Coordination } from "./Coordination.ts"
import * as CoordinationMemory from "./CoordinationMemory.ts"
import { History } from "./History.ts"
import { ObjectStore } from "./ObjectStore.ts"
import { StoreError } from "./StoreError.ts"
import type { Streams } from "./Streams.ts"
import * as StreamsMemory from "./StreamsMemory.ts"

/** How a process elsewhere makes the same stores. Plain data; holds secrets, and must not be shown. */
export interface StoresReference {
  /** The URL of a module that exports `stores: (options) => Stores`. */
  readonly module: string
  readonly options: unknown
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

/** Makes the stores that another process referred to. */
export const load = ({ module, options }: StoresReference): Effect.Effect<Stores, StoreError> =>
  Effect.tryPromise({
    try: async () => {
      const exported = (await import(module)) as { readonly stores?: (options: unknown) => Stores }
      if (typeof exported.stores !== "function") throw new Error("it exports no function `stores`")
      return exported.stores(options)
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
