// The scripts of streams beside the store in memory, which is the reference: the same calls get the same answers.
import { assert, it } from "@effect/vitest"
import { type Append, type StreamRead, type StreamState, Streams, StreamsMemory } from "@weft/storage"
import { startRedis } from "@weft/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import fc from "fast-check"
import { afterAll } from "vitest"
import { RedisClient } from "../src/Redis.ts"
import * as StreamsRedis from "../src/StreamsRedis.ts"

const server = await startRedis()
afterAll(() => server.stop())

/** So long that nobody dies but by being abandoned. */
const lifeMs = 600_000

const id = fc.constantFrom(1, "1[0]")
const worker = fc.constantFrom("a", "b", "c")
const position = fc.nat(8)
const append = fc.record(
  {
    producer: worker,
    attempt: fc.integer({ min: 1, max: 2 }),
    at: position,
    items: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 4 }),
    limit: fc.integer({ min: 1, max: 6 }),
    readers: fc.integer({ min: 1, max: 3 }),
    hold: fc.nat(2),
    whole: fc.boolean(),
    end: fc.constantFrom("ended", "stored", "lost", "failed"),
    total: fc.nat(9),
    error: fc.string({ unit: "grapheme" })
  },
  { requiredKeys: ["producer", "attempt", "at", "items", "limit", "readers", "hold", "whole"] }
) as fc.Arbitrary<Append>
const read: fc.Arbitrary<StreamRead> = fc.record({
  reader: fc.constantFrom("r", "s", "t"),
  worker,
  from: fc.option(position, { nil: undefined }),
  max: fc.nat(5)
})

/** Appends without an end come more often: else most streams would have ended at once. */
const open: fc.Arbitrary<Append> = append.map(({ end: _, error: __, total: ___, ...rest }) => rest)

type Call = (store: Streams["Service"], run: string) => Effect.Effect<unknown, unknown>
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(id, open).map(
      ([id, append]): Call =>
        (store, run) =>
          store.append(run, id, append)
    )
  },
  {
    weight: 1,
    arbitrary: fc.tuple(id, append).map(
      ([id, append]): Call =>
        (store, run) =>
          store.append(run, id, append)
    )
  },
  {
    weight: 6,
    arbitrary: fc.tuple(id, read).map(
      ([id, read]): Call =>
        (store, run) =>
          Effect.map(store.read(run, id, read), plain)
    )
  },
  {
    weight: 1,
    arbitrary: fc.tuple(id, fc.constantFrom("r", "s", "t")).map(
      ([id, reader]): Call =>
        (store, run) =>
          store.leave(run, id, reader)
    )
  },
  {
    weight: 1,
    arbitrary: fc.array(worker).map(
      (workers): Call =>
        (store, run) =>
          store.abandon(run, workers)
    )
  },
  { weight: 2, arbitrary: fc.constant<Call>((store) => store.usage) }
)

/** Stores may answer with subclasses of `Uint8Array`. */
const plain = (state: StreamState) => ({ ...state, items: state.items.map((item) => [...item]) })

let runs = 0

it.effect(
  "answers as the reference does",
  () =>
    Effect.gen(function* () {
      const redis = Layer.provide(StreamsRedis.layerOf({ lifeMs }), RedisClient.layer(server.url))
      const scripts = Context.get(yield* Layer.build(redis), Streams)
      const reference = Context.get(yield* Layer.build(StreamsMemory.layerOf({ lifeMs })), Streams)
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 60 }), async (calls) => {
            const run = `run-${runs++}`
            for (const act of calls) {
              const [answer, expected] = await Promise.all(
                [scripts, reference].map((store) => Effect.runPromise(act(store, run)))
              )
              assert.deepStrictEqual(answer, expected)
            }
            for (const store of [scripts, reference]) await Effect.runPromise(store.removeRun(run))
            assert.strictEqual(await Effect.runPromise(scripts.usage), 0)
          }),
          { numRuns: 200 }
        )
      )
    }),
  60_000
)
