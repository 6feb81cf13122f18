// Listening goes on whatever happens to the connection, and nobody hears anything twice.
import type { Message } from "@weft/storage"
import { type RedisServer, startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { Channels } from "../src/Channels.ts"
import { RedisClient } from "../src/Redis.ts"

const WAKE: Message = { type: "wake" }
const ENDED: Message = { type: "ended", status: "succeeded" }

const listening = (
  redis: RedisServer,
  work: (channels: Channels) => Effect.Effect<void, unknown, Scope.Scope>
): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(RedisClient.use((client) => Effect.flatMap(Channels.make(client), work))).pipe(
      Effect.provide(RedisClient.layer(redis.url))
    )
  )

const say = (redis: RedisServer, message: Message) =>
  redis.command("PUBLISH", "weft:news", JSON.stringify(message))

describe("Channels", () => {
  it("wakes all who listen when the connection is back, when they hear again", async () => {
    await using redis = await startRedis()
    await listening(redis, (channels) =>
      Effect.gen(function* () {
        const heard: Array<Message> = []
        yield* channels.subscribe("weft:news", (message) => heard.push(message))
        for (let i = 1; i <= 3; i++) {
          yield* Effect.promise(async () => {
            await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            await expect.poll(() => heard).toEqual([WAKE])
            // Not one more, and not one less.
            expect(await say(redis, ENDED)).toBe(1)
            await expect.poll(() => heard).toEqual([WAKE, ENDED])
          })
          heard.length = 0
        }
      })
    )
  })

  it("can be listened to again after it could not", async () => {
    await using redis = await startRedis()
    await listening(redis, (channels) =>
      Effect.gen(function* () {
        const heard: Array<Message> = []
        const listen = channels.subscribe("weft:news", (message) => heard.push(message))
        yield* Effect.promise(() => redis.kill())
        // At first without a connection to listen on, then with one that is broken.
        expect((yield* Effect.flip(listen)).reason).toBe("unavailable")
        yield* Effect.promise(() => redis.start())
        yield* channels.subscribe("weft:other", () => {})
        yield* Effect.promise(() => redis.kill())
        expect((yield* Effect.flip(listen)).reason).toBe("unavailable")
        yield* Effect.promise(() => redis.start())
        yield* Effect.retry(listen, {
          while: (error) => error.retryable,
          schedule: Schedule.spaced("10 millis")
        })
        yield* Effect.promise(async () => {
          await say(redis, ENDED)
          await expect.poll(() => heard).toContainEqual(ENDED)
          expect(heard.filter(({ type }) => type === "ended")).toEqual([ENDED])
        })
      })
    )
  })
})
