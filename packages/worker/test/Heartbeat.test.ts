import { assert, describe, it } from "@effect/vitest"
import { CLIENT, Coordination, CoordinationMemory, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { Invocation } from "../src/Invocation.ts"
import { heartbeat, type Invoker } from "../src/index.ts"

const LEASE_MS = 900
const RUN = "run"

/** A run of two ready instances; and which workers were renewed by which call. */
const begun = Effect.fnUntraced(function* (
  renew: (real: Coordination["Service"]) => Coordination["Service"]["renew"] = ({ renew }) => renew
) {
  const real = yield* Coordination
  yield* real.begin(
    {
      run: RUN,
      workflow: "test",
      document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
      ready: [{ instance: 0 }, { instance: 1 }],
      targets: [0, 1],
      instances: 2,
      leaseMs: LEASE_MS,
      maxAttempts: 3
    },
    CLIENT
  )
  const calls: Array<ReadonlyArray<string>> = []
  const renewed = renew(real)
  const store: Coordination["Service"] = {
    ...real,
    renew: (run, workers, taker) => {
      calls.push(taker === undefined ? workers : [...workers, `taker ${taker}`])
      return renewed(run, workers, taker)
    }
  }
  return { real, store, calls }
})

const beating = (
  store: Coordination["Service"],
  ...args: Parameters<typeof heartbeat> extends readonly [string, ...infer Rest] ? Rest : never
) => Effect.forkChild(Effect.provideService(heartbeat(RUN, ...args), Coordination, store))

const stores = Effect.provide(CoordinationMemory.layer)

/** Notes what it is to invoke. */
const noting = () => {
  const invocations: Array<Invocation> = []
  const invoker: Invoker = {
    parallelism: 1,
    fanOut: 10,
    idleMs: 0,
    payloadBytes: 0,
    worthMs: 0,
    invoke: (more) => Effect.sync(() => void invocations.push(...more))
  }
  return { invocations, invoker }
}

describe("heartbeat", () => {
  it.effect("renews all workers in one call, three times a lease, while there are any", () =>
    Effect.gen(function* () {
      const { calls, store } = yield* begun()
      const workers = new Set<string>()
      yield* beating(store, LEASE_MS, workers)
      yield* TestClock.adjust(LEASE_MS)
      assert.deepStrictEqual(calls, [])
      workers.add("a").add("b")
      yield* TestClock.adjust(LEASE_MS)
      assert.deepStrictEqual(
        calls,
        Array.from({ length: 3 }, () => ["a", "b"])
      )
      workers.clear()
      yield* TestClock.adjust(LEASE_MS)
      assert.strictEqual(calls.length, 3)
    }).pipe(stores)
  )

  it.effect("keeps a worker from being taken for lost, however long its task takes", () =>
    Effect.gen(function* () {
      const { real, store } = yield* begun()
      yield* real.adopt(RUN, "a", [0])
      yield* real.adopt(RUN, "b", [1], "first")
      yield* beating(store, LEASE_MS, new Set(["a"]))
      yield* TestClock.adjust(5 * LEASE_MS)
      const { ready } = yield* real.renew(RUN, [], CLIENT)
      assert.deepStrictEqual(
        ready.map(({ attempt, instance }) => [instance, attempt]),
        [[1, 2]]
      )
    }).pipe(stores)
  )

  it.effect("takes over what others lost, and invokes others for it, if it is told to", () =>
    Effect.gen(function* () {
      const { calls, store } = yield* begun()
      const { invocations, invoker } = noting()
      yield* beating(store, LEASE_MS, new Set(["a"]), { taker: "engine", invoker })
      yield* TestClock.adjust(2 * LEASE_MS - 1)
      assert.deepStrictEqual(calls[0], ["a", "taker engine"])
      assert.deepStrictEqual(
        invocations.flatMap(({ work }) => work),
        [0, 1].map((instance) => ({ instance, attempt: 1 }))
      )
    }).pipe(stores)
  )

  it.effect("returns when the run is over", () =>
    Effect.gen(function* () {
      const { real, store } = yield* begun()
      const fiber = yield* beating(store, LEASE_MS, new Set(["a"]))
      yield* TestClock.adjust(LEASE_MS)
      assert.strictEqual(fiber.pollUnsafe(), undefined)
      yield* real.cancel(RUN, "enough")
      yield* TestClock.adjust(LEASE_MS)
      assert.strictEqual(yield* Fiber.join(fiber), "cancelled")
    }).pipe(stores)
  )

  it.effect("goes on after calls that fail, or are not answered", () =>
    Effect.gen(function* () {
      let calls = 0
      const { real, store } = yield* begun((real) => (...args) => {
        calls++
        if (calls === 1)
          return Effect.fail(new StoreError({ reason: "unavailable", operation: "renew", detail: "" }))
        return calls === 3 ? Effect.never : real.renew(...args)
      })
      yield* real.adopt(RUN, "a", [0, 1])
      yield* beating(store, LEASE_MS, new Set(["a"]))
      yield* TestClock.adjust(10 * LEASE_MS)
      assert.isAbove(calls, 20)
      assert.deepStrictEqual((yield* real.renew(RUN, [], CLIENT)).ready, [])
    }).pipe(stores)
  )

  it.effect("fails where trying again cannot help", () =>
    Effect.gen(function* () {
      const refused = new StoreError({ reason: "refused", operation: "renew", detail: "no rights" })
      const { store } = yield* begun(() => () => Effect.fail(refused))
      const fiber = yield* beating(store, LEASE_MS, new Set(["a"]))
      yield* TestClock.adjust(LEASE_MS)
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), refused)
    }).pipe(stores)
  )

  it.effect("does nothing where leases do not run out", () =>
    Effect.gen(function* () {
      const { calls, store } = yield* begun()
      yield* beating(store, Number.POSITIVE_INFINITY, new Set(["a"]))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(calls, [])
    }).pipe(stores)
  )
})
