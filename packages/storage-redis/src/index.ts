/**
 * `@weft/storage-redis`: runs, their values and history on Redis or Valkey.
 */

export * as CoordinationRedis from "./CoordinationRedis.ts"
export * as HistoryRedis from "./HistoryRedis.ts"
export * as ObjectStoreRedis from "./ObjectStoreRedis.ts"
export { RedisClient, type RedisOptions } from "./Redis.ts"
export { redis, stores } from "./Stores.ts"
export * as StreamsRedis from "./StreamsRedis.ts"
