// The suites of @weft/storage for objects and history, on one server and on a cluster.
import { setTimeout } from "node:timers/promises"
import { history, objectStore } from "@weft/storage/conformance"
import { startRedis, startRedisCluster } from "@weft/testing"
import { Effect, Layer } from "effect"
import * as HistoryRedis from "../src/HistoryRedis.ts"
import * as ObjectStoreRedis from "../src/ObjectStoreRedis.ts"
import { RedisClient } from "../src/Redis.ts"

/** Short, so that it can be waited for. */
const ABANDONED_MS = 2_000

const server = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => startRedis()),
      (redis) => Effect.promise(() => redis.stop())
    ),
    ({ url }) => RedisClient.layer({ url, abandonedMs: ABANDONED_MS })
  )
)

const cluster = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => startRedisCluster()),
      (redis) => Effect.promise(() => redis.stop())
    ),
    ({ url }) => RedisClient.layer({ url, abandonedMs: ABANDONED_MS })
  )
)

objectStore("ObjectStoreRedis", Layer.provide(ObjectStoreRedis.layer, server), {
  largeBytes: 11 * 2 ** 20 + 7,
  usage: true
})
objectStore("ObjectStoreRedis on a cluster", Layer.provide(ObjectStoreRedis.layer, cluster), {
  largeBytes: 11 * 2 ** 20 + 7,
  usage: true
})
const capabilities = {
  time: {
    batchesMs: ABANDONED_MS,
    elapse: (ms: number) => Effect.promise(() => setTimeout(ms))
  },
  pruning: true
} as const
history("HistoryRedis", Layer.provide(HistoryRedis.layer, server), capabilities)
history("HistoryRedis on a cluster", Layer.provide(HistoryRedis.layer, cluster), capabilities)
