import { assert, describe, it } from "@effect/vitest"
import {
  Coordination,
  CoordinationMemory,
  ObjectStore,
  StoreError,
  type StoreErrorReason
} from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { persistent, persistentObjects } from "../src/index.ts"

const failure = (reason: StoreErrorReason, detail = "") =>
  new StoreError({ reason, operation: "adopt", detail })

/** A store whose `adopt` and `publish` fail as long as `next` gives an error; and when they were called. */
const failing = Effect.fnUntraced(function* (next: (calls: number) => StoreError | undefined) {
  const real = yield* Coordination
  const at: Array<number> = []
  const tried = <A>(call: Effect.Effect<A, StoreError>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const error = next(at.push(now))
      return error === undefined ? call : Effect.fail(error)
    })
  const store: Coordination["Service"] = {
    ...real,
    adopt: (...args) => tried(real.adopt(...args)),
    publish: (...args) => tried(real.publish(...args))
  }
  return { store, at }
})

const stores = Effect.provide(Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory))
const exactly = Effect.provideService(Random.Random, {
  nextDoubleUnsafe: () => 0.5,
  nextIntUnsafe: () => 0
})

describe("persistent", () => {
  it.effect("repeats a call that found no store, less and less often", () =>
    Effect.gen(function* () {
      const { at, store } = yield* failing((calls) => (calls < 9 ? failure("unavailable") : undefined))
      const fiber = yield* Effect.forkChild(persistent(store).adopt("run", "w", [1]))
      yield* TestClock.adjust("20 seconds")
      const { refused } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(refused, [1])
      const pauses = at.slice(1).map((time, i) => time - at[i]!)
      assert.deepStrictEqual(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000])
    }).pipe(exactly, stores)
  )

  it.effect("gives up after some time, with the last error", () =>
    Effect.gen(function* () {
      const { at, store } = yield* failing((calls) => failure("unavailable", `call ${calls}`))
      const fiber = yield* Effect.forkChild(
        Effect.flip(persistent(store, { forMs: 10_000 }).adopt("run", "w", []))
      )
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(fiber.pollUnsafe(), undefined)
      yield* TestClock.adjust("4 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error.detail, `call ${at.length}`)
    }).pipe(exactly, stores)
  )

  it.effect("does not repeat what would fail again", () =>
    Effect.gen(function* () {
      for (const reason of ["refused", "full", "corrupt"] as const) {
        const { at, store } = yield* failing(() => failure(reason))
        const error = yield* Effect.flip(persistent(store).adopt("run", "w", []))
        assert.strictEqual(error.reason, reason)
        assert.strictEqual(at.length, 1)
      }
    }).pipe(stores)
  )

  it.effect("does not repeat hints", () =>
    Effect.gen(function* () {
      const { at, store } = yield* failing(() => failure("unavailable"))
      yield* Effect.flip(persistent(store).publish("run", "client", { type: "wake" }))
      assert.strictEqual(at.length, 1)
    }).pipe(stores)
  )

  it.effect("tells of each call that failed, and may have taken effect", () =>
    Effect.gen(function* () {
      const { store } = yield* failing((calls) =>
        calls < 3 ? failure("unavailable", `call ${calls}`) : undefined
      )
      const told: Array<string> = []
      const listening = persistent(store, { onFailure: ({ detail }) => void told.push(detail) })
      const fiber = yield* Effect.forkChild(listening.adopt("run", "w", []))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told, ["call 1", "call 2"])
    }).pipe(stores)
  )

  it.effect("repeats calls of object stores", () =>
    Effect.gen(function* () {
      const real = yield* ObjectStore
      let calls = 0
      const store = persistentObjects({
        ...real,
        put: (...args) => (++calls < 3 ? Effect.fail(failure("unavailable")) : real.put(...args))
      })
      const fiber = yield* Effect.forkChild(store.put("run", "key", new Uint8Array([1])))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* store.get("run", ["key"]), [new Uint8Array([1])])
      assert.strictEqual(calls, 3)
    }).pipe(stores)
  )
})
