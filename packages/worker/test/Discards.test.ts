import { assert, describe, it } from "@effect/vitest"
import { ObjectStore, StoreError } from "@weft/storage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { Discards } from "../src/Discards.ts"

const bytes = new Uint8Array(1)

/** A store whose first removal waits for `gate`. */
const slow = (real: ObjectStore["Service"], gate: Effect.Effect<void>) => {
  const calls: Array<ReadonlyArray<string>> = []
  const store: ObjectStore["Service"] = {
    ...real,
    remove: (run, keys) => Effect.andThen(calls.push(keys) === 1 ? gate : Effect.void, real.remove(run, keys))
  }
  return { calls, store }
}

describe("discards", () => {
  const stored = Effect.gen(function* () {
    const real = yield* ObjectStore
    for (const key of ["a", "b", "c", "d"]) yield* real.put("run", key, bytes)
    const gate = yield* Deferred.make<void>()
    return { gate, real, ...slow(real, Deferred.await(gate)) }
  })

  it.effect("hold nobody up, and go together while one call is under way", () =>
    Effect.gen(function* () {
      const { calls, gate, real, store } = yield* stored
      const discards = new Discards("run", store)
      assert.isTrue(discards.isDone)
      yield* discards.add(["a"])
      yield* Effect.yieldNow
      yield* discards.add(["b"])
      yield* discards.add(["c", "d"])
      assert.isFalse(discards.isDone)
      const waiting = yield* Effect.forkChild(discards.done)
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      assert.strictEqual(yield* real.usage, 4)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(waiting)
      assert.isTrue(discards.isDone)
      assert.strictEqual(yield* real.usage, 0)
      assert.deepStrictEqual(calls, [["a"], ["b", "c", "d"]])
    }).pipe(Effect.provide(ObjectStore.layerMemory))
  )

  it.effect("that fail are said, and stop no others", () => {
    const said: Array<unknown> = []
    const logger = Logger.make(({ message }) => void said.push(message))
    return Effect.gen(function* () {
      const { real, store } = yield* stored
      const refused = new StoreError({ reason: "refused", operation: "remove", detail: "no rights" })
      const discards = new Discards("run", {
        ...store,
        remove: (run, keys) => (keys.includes("a") ? Effect.fail(refused) : real.remove(run, keys))
      })
      yield* discards.add(["a"])
      yield* discards.done
      yield* discards.add(["b", "c", "d"])
      yield* discards.done
      assert.strictEqual(yield* real.usage, 1)
      assert.include(String(said), "no rights")
    }).pipe(Effect.provide([ObjectStore.layerMemory, Logger.layer([logger])]))
  })

  it.effect("end with who waits for them no longer", () =>
    Effect.gen(function* () {
      const { real, store } = yield* stored
      const discards = new Discards("run", store)
      yield* discards.add(["a"])
      yield* discards.add(["b"])
      const waiting = yield* Effect.forkChild(discards.done, { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* real.usage, 4)
    }).pipe(Effect.provide(ObjectStore.layerMemory))
  )
})
