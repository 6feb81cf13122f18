// What nobody speaks about goes away by itself, and what a run has ended with stays until it was fetched.
import { afterAll, assert, it } from "@effect/vitest"
import { Coordination, ObjectStore } from "@weft/storage"
import { startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { redis } from "../src/index.ts"

const DAY = 86_400_000
const server = await startRedis()
const control = new Redis(server.url)
afterAll(async () => {
  control.disconnect()
  await server.stop()
})

const measure = { startedAt: 0, inputsMs: 0, executionMs: 0, inputBytes: 0, outputBytes: 0, tries: 1 }

/** How long each of a run's keys has left, in ms. */
const expiries = async (run: string) => {
  const keys = await control.keys(`weft:{${run}}:*`)
  return Promise.all(keys.map(async (key) => [key, await control.pttl(key)] as const))
}

it.effect("every key of a run expires; after its end with the result", () =>
  Effect.gen(function* () {
    const coordination = yield* Coordination
    const objects = yield* ObjectStore
    const run = "expiring"
    yield* coordination.begin(
      {
        run,
        workflow: "expiry",
        document: () => ({ graph: new Uint8Array(1), plan: new Uint8Array(1), module: "m", behaviours: [] }),
        ready: [{ instance: 0 }, { instance: 1, worker: "n" }],
        targets: [3],
        instances: 4,
        leaseMs: 10_000,
        maxAttempts: 3
      },
      "client"
    )
    yield* objects.put(run, "large", new Uint8Array(10))
    yield* coordination.attach(run, "n", "a")
    yield* coordination.complete(run, "w", [
      {
        instance: 0,
        keep: [
          { instance: 0, value: new Uint8Array(1), readers: 2 },
          { instance: 5, value: "object", readers: 1 }
        ],
        steps: [{ instance: 2, need: 2, delta: -1 }],
        releases: [],
        added: 0,
        measure
      }
    ])
    const running = yield* Effect.promise(() => expiries(run))
    // State, progress, values, readers, targets, leases, what n holds, named workers, document, and the object.
    assert.lengthOf(running, 10)
    for (const [key, left] of running) {
      assert.isAbove(left, DAY / 2, key)
      assert.isAtMost(left, DAY, key)
    }
    yield* coordination.complete(run, "w", [
      {
        instance: 3,
        keep: [{ instance: 3, value: new Uint8Array(1), readers: 1 }],
        steps: [],
        releases: [],
        added: 0,
        measure
      }
    ])
    const ended = yield* Effect.promise(() => expiries(run))
    assert.deepStrictEqual(ended.map(([key]) => key.split(":").at(-1)).sort(), [
      "d",
      "objects",
      "s",
      "t",
      "v"
    ])
    for (const [key, left] of ended) {
      assert.isAbove(left, 0, key)
      assert.isAtMost(left, DAY / 4, key)
    }
    yield* coordination.remove(run)
    yield* objects.removeRun(run)
    assert.deepStrictEqual(yield* Effect.promise(() => expiries(run)), [])
  }).pipe(Effect.provide(redis({ url: server.url, abandonedMs: DAY, resultMs: DAY / 4 }).layer))
)
