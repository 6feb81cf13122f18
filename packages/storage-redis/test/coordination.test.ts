// The suite on a real server, and on a cluster of three.
import { setTimeout } from "node:timers/promises"
import { coordination } from "@weft/storage/conformance"
import { startRedis, startRedisCluster } from "@weft/testing"
import { Effect, Layer } from "effect"
import { afterAll } from "vitest"
import * as CoordinationRedis from "../src/CoordinationRedis.ts"
import { RedisClient } from "../src/Redis.ts"

const elapse = (ms: number) => Effect.promise(() => setTimeout(ms))

const server = await startRedis()
const cluster = await startRedisCluster()
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

for (const [name, url] of [
  ["CoordinationRedis", server.url],
  ["CoordinationRedis on a cluster", cluster.url]
] as const) {
  coordination(name, Layer.provide(CoordinationRedis.layer, RedisClient.layer(url)), {
    time: { leaseMs: 400, elapse },
    usage: true,
    messages: true
  })
}
