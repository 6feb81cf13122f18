/**
 * Connections to stores. Runs of this process that use the same store share its connections. They end with the last of
 * these runs, so that the process can end by itself.
 */
import type { StoreError, Stores } from "@weft/storage"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as StoreUrl from "./StoreUrl.ts"

/** What stores give. */
export type Services = Layer.Success<Stores.Stores["layer"]>

/** Stores that can be used until `end` is called. */
export interface Connection {
  readonly stores: Stores.Stores
  /** Connects when it is first used. */
  readonly runtime: ManagedRuntime.ManagedRuntime<Services, StoreError>
  readonly end: () => Promise<void>
}

/** What an option says: a URL, or stores themselves. */
export type Given = string | Stores.Stores | undefined

interface Shared {
  readonly opened: Promise<Omit<Connection, "end">>
  users: number
}

const shared = new Map<string | Stores.Stores, Shared>()
/** What only this process has must not be lost between two runs: it lives as long as the stores themselves. */
const kept = new WeakMap<Stores.Stores, Connection["runtime"]>()

/**
 * Uses stores.
 *
 * @throws {StoreUrl.InvalidStore} if a URL is no URL of a store
 */
export const use = async (given: Given, objects: string | undefined): Promise<Connection> => {
  const store = given ?? "memory"
  if (typeof store !== "string" && objects !== undefined) {
    throw new StoreUrl.InvalidStore({
      given: store.name,
      problem:
        "with `objects` it has to be a URL; for others there is `withS3(stores, …)` of @weft/storage-s3"
    })
  }
  const key = typeof store === "string" ? `${store} ${objects ?? ""}` : store
  const known = shared.get(key) ?? { opened: open(store, objects), users: 0 }
  shared.set(key, known)
  known.users++
  const end = async () => {
    if (--known.users > 0) return
    if (shared.get(key) === known) shared.delete(key)
    const { runtime, stores } = await known.opened
    if (!kept.has(stores)) await runtime.dispose()
  }
  try {
    return { ...(await known.opened), end }
  } catch (error) {
    shared.delete(key)
    throw error
  }
}

const open = async (store: string | Stores.Stores, objects: string | undefined) => {
  const stores = typeof store === "string" ? await StoreUrl.fromUrl(store, objects) : store
  const runtime = kept.get(stores) ?? ManagedRuntime.make(stores.layer)
  if (stores.reference === undefined) kept.set(stores, runtime)
  return { stores, runtime }
}
