// What is particular to the store in memory; what it has in common with others is in conformance.test.ts.
import { assert, describe, it } from "@effect/vitest"
import { CLIENT, Coordination, CoordinationMemory, type Message, type RunSpec } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { TestClock } from "effect/testing"

const spec: RunSpec = {
  run: "r",
  workflow: "w",
  document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
  ready: [{ instance: 0 }],
  targets: [1],
  instances: 2,
  leaseMs: 1000,
  maxAttempts: 3
}

describe("CoordinationMemory", () => {
  it.effect("a listener that throws stops neither the publisher nor other listeners, and is logged", () => {
    const logged: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void logged.push(message))])
    return Effect.gen(function* () {
      const coordination = yield* Coordination
      const error = new Error("no place to draw")
      const heard: Array<Message> = []
      yield* coordination.subscribe("r", CLIENT, () => {
        throw error
      })
      yield* coordination.subscribe("r", CLIENT, (message) => void heard.push(message))
      yield* coordination.begin(spec, CLIENT)
      yield* coordination.cancel("r", "enough")
      assert.deepStrictEqual(heard, [{ type: "ended", status: "cancelled", makespanMs: 0 }])
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [["a listener failed on a message of a run", error]])
    }).pipe(Effect.scoped, Effect.provide(CoordinationMemory.layer.pipe(Layer.provide(logger))))
  })

  it.effect("one function may listen twice, and each subscription ends by itself", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      let heard = 0
      const listener = () => void heard++
      yield* coordination.subscribe("r", CLIENT, listener)
      yield* Effect.scoped(coordination.subscribe("r", CLIENT, listener))
      yield* coordination.publish("r", CLIENT, { type: "wake" })
      assert.strictEqual(heard, 1)
    }).pipe(Effect.scoped, Effect.provide(CoordinationMemory.layer))
  )

  it.effect("I4: its clock does not go back when the system's does", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      yield* TestClock.setTime(10_000)
      yield* coordination.begin(spec, CLIENT)
      yield* TestClock.setTime(5_000)
      const { now } = yield* coordination.adopt("r", "w1", [0])
      assert.strictEqual(now, 10_000)
      yield* TestClock.setTime(10_500)
      const { ready } = yield* coordination.renew("r", [], CLIENT)
      assert.deepStrictEqual(ready, [])
    }).pipe(Effect.provide(CoordinationMemory.layer))
  )

  it.effect("I5: a lease of 1,000 ms has run out after 1,000 ms, for everybody", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      yield* coordination.begin(spec, CLIENT)
      yield* coordination.attach("r", "n", "a")
      yield* TestClock.adjust(999)
      assert.isUndefined(yield* coordination.attach("r", "n", "b"))
      assert.deepStrictEqual((yield* coordination.renew("r", [], "w1")).ready, [])
      yield* TestClock.adjust(1)
      const reply = yield* coordination.attach("r", "n", "b")
      assert.deepStrictEqual(reply?.ready, [{ instance: 0, attempt: 1, inputs: [] }])
    }).pipe(Effect.provide(CoordinationMemory.layer))
  )

  it.effect("each build of the layer is a store of its own", () =>
    Effect.gen(function* () {
      const store = Effect.provide(Coordination, Layer.fresh(CoordinationMemory.layer))
      const [one, other] = [yield* store, yield* store]
      yield* one.begin(spec, CLIENT)
      assert.deepStrictEqual([yield* one.usage, yield* other.usage], [3, 0])
    })
  )

  it.effect("a document is made only when it is asked for", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      let made = 0
      const document = () => {
        made++
        return spec.document()
      }
      yield* coordination.begin({ ...spec, document }, CLIENT)
      assert.strictEqual(made, 0)
      yield* coordination.load("r")
      assert.strictEqual(made, 1)
    }).pipe(Effect.provide(CoordinationMemory.layer))
  )

  it.effect("workers that hold nothing are not remembered", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      yield* coordination.begin(spec, CLIENT)
      const before = yield* coordination.usage
      for (let i = 0; i < 100; i++) {
        yield* coordination.complete("r", `w${i}`, [])
        yield* coordination.adopt("r", `w${i}`, [0])
        yield* coordination.renew("r", [`w${i}`, `v${i}`], CLIENT)
        yield* coordination.attach("r", `n${i}`, "a")
        yield* coordination.detach("r", `n${i}`, "a")
      }
      assert.strictEqual(yield* coordination.usage, before)
    }).pipe(Effect.provide(CoordinationMemory.layer))
  )
})
