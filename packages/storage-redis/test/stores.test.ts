// The suites of @weft/storage for objects and history, on one server and on a cluster.
import { setTimeout } from "node:timers/promises"
import { history, objectStore } from "@weft/storage/conformance"
import { startRedis, startRedisCluster } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll } from "vitest"
import * as HistoryRedis from "../src/HistoryRedis.ts"
import * as ObjectStoreRedis from "../src/ObjectStoreRedis.ts"
import { RedisClient } from "../src/Redis.ts"

const server = await startRedis()
const cluster = await startRedisCluster()
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

/** For how long batches are kept here: short enough to be waited for. */
const ABANDONED_MS = 3_000

for (const [on, url] of [
  ["", server.url],
  [" on a cluster", cluster.url]
] as const) {
  objectStore(`ObjectStoreRedis${on}`, Layer.provide(ObjectStoreRedis.layer, RedisClient.layer(url)), {
    largeBytes: 11 * 2 ** 20 + 7,
    usage: true
  })
  history(
    `HistoryRedis${on}`,
    Layer.provide(HistoryRedis.layer, RedisClient.layer({ url, abandonedMs: ABANDONED_MS })),
    {
      time: { batchesMs: ABANDONED_MS, elapse: (ms) => Effect.promise(() => setTimeout(ms)) },
      pruning: true
    }
  )
}
