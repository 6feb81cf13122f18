// The suites of @weft/storage for objects and history, on one server and on a cluster.
import { history, objectStore } from "@weft/storage/conformance"
import { startRedis, startRedisCluster } from "@weft/testing"
import { Effect, Layer } from "effect"
import * as HistoryRedis from "../src/HistoryRedis.ts"
import * as ObjectStoreRedis from "../src/ObjectStoreRedis.ts"
import { RedisClient } from "../src/Redis.ts"

const server = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => startRedis()),
      (redis) => Effect.promise(() => redis.stop())
    ),
    ({ url }) => RedisClient.layer(url)
  )
)

const cluster = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => startRedisCluster()),
      (redis) => Effect.promise(() => redis.stop())
    ),
    ({ url }) => RedisClient.layer(url)
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
history("HistoryRedis", Layer.provide(HistoryRedis.layer, server))
history("HistoryRedis on a cluster", Layer.provide(HistoryRedis.layer, cluster))
