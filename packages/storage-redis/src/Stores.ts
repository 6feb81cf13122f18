/** Runs, their values and history on one Redis or Valkey. The module that other processes are told to load. */
import type { Stores } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as CoordinationRedis from "./CoordinationRedis.ts"
import * as HistoryRedis from "./HistoryRedis.ts"
import * as ObjectStoreRedis from "./ObjectStoreRedis.ts"
import { type RedisOptions, settings, target } from "./Options.ts"
import { RedisClient } from "./Redis.ts"
import * as StreamsRedis from "./StreamsRedis.ts"

/**
 * Stores on Redis or Valkey.
 *
 * @param options a URL such as `redis://localhost:6379`, or more; not checked before the stores are used
 */
export const redis = (options: RedisOptions | string): Stores.Stores => ({
  name: Exit.match(Effect.runSyncExit(Effect.flatMap(settings(options), target)), {
    onSuccess: ({ name }) => name,
    onFailure: () => "redis"
  }),
  layer: Layer.provide(
    Layer.mergeAll(CoordinationRedis.layer, ObjectStoreRedis.layer, StreamsRedis.layer, HistoryRedis.layer),
    RedisClient.layer(options)
  ),
  reference: { module: import.meta.url, options }
})

/** What `Stores.load` of @weft/storage calls. */
export const stores = (options: unknown): Stores.Stores => redis(options as RedisOptions | string)
