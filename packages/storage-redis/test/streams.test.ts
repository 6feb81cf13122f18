// The suite of @weft/storage for streams, on one server and on a cluster.
import { setTimeout } from "node:timers/promises"
import { streams } from "@weft/storage/conformance"
import { startRedis, startRedisCluster } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll } from "vitest"
import { RedisClient } from "../src/Redis.ts"
import * as StreamsRedis from "../src/StreamsRedis.ts"

const server = await startRedis()
const cluster = await startRedisCluster()
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

for (const [name, url] of [
  ["StreamsRedis", server.url],
  ["StreamsRedis on a cluster", cluster.url]
] as const) {
  streams(name, Layer.provide(StreamsRedis.layerOf({ lifeMs: 1000 }), RedisClient.layer(url)), {
    time: { elapse: (ms) => Effect.promise(() => setTimeout(ms)) },
    usage: true
  })
}
