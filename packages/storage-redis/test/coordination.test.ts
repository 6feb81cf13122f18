// The suite on a real server.
import { setTimeout } from "node:timers/promises"
import { coordination } from "@weft/storage/conformance"
import { startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll } from "vitest"
import * as CoordinationRedis from "../src/CoordinationRedis.ts"
import { RedisClient } from "../src/Redis.ts"

const server = await startRedis()
afterAll(() => server.stop())

coordination("CoordinationRedis", Layer.provide(CoordinationRedis.layer, RedisClient.layer(server.url)), {
  // Time is real here: a quarter of the lease has to be longer than a busy machine makes some calls take.
  time: { leaseMs: 800, elapse: (ms) => Effect.promise(() => setTimeout(ms)), passes: true },
  usage: true,
  messages: true
})
