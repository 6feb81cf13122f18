/** Conformance of object stores. */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ObjectStore } from "../ObjectStore.ts"
import type { StoreError } from "../StoreError.ts"
import type { ObjectStoreCapabilities } from "./Capabilities.ts"

/** A store and a run of its own for each test, removed at its end. */
const open: Effect.Effect<
  { readonly store: ObjectStore["Service"]; readonly run: string },
  never,
  ObjectStore | Scope.Scope
> = Effect.gen(function* () {
  const store = yield* ObjectStore
  const run = `conformance-${randomUUID()}`
  yield* Effect.addFinalizer(() => Effect.orDie(store.removeRun(run)))
  return { store, run }
})

const text = (value: string) => new TextEncoder().encode(value)

const assertObjects = (
  store: ObjectStore["Service"],
  run: string,
  expected: ReadonlyArray<readonly [key: string, Uint8Array | undefined]>
): Effect.Effect<void, StoreError> =>
  Effect.map(
    store.get(
      run,
      expected.map(([key]) => key)
    ),
    (found) =>
      assert.deepStrictEqual(
        found.map((bytes, i) => [expected[i]?.[0], bytes && Uint8Array.from(bytes)]),
        expected.map(([key, bytes]) => [key, bytes && Uint8Array.from(bytes)])
      )
  )

export const objects = (
  it: Vitest.MethodsNonLive<ObjectStore>,
  { largeBytes, usage }: ObjectStoreCapabilities
): void => {
  it.effect("objects come back in the order of the keys; what is not there is undefined", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      yield* store.put(run, "a", text("1"))
      yield* store.put(run, "b", text("2"))
      yield* assertObjects(store, run, [
        ["b", text("2")],
        ["c", undefined],
        ["a", text("1")],
        ["b", text("2")]
      ])
      assert.deepStrictEqual(yield* store.get(run, []), [])
    })
  )

  it.effect("putting a key twice keeps the last", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      yield* store.put(run, "a", text("first and longer"))
      yield* store.put(run, "a", text("last"))
      yield* assertObjects(store, run, [["a", text("last")]])
    })
  )

  it.effect("every byte comes back, and none that was not there", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      yield* store.put(run, "all", bytes)
      yield* store.put(run, "part", bytes.subarray(100, 120))
      yield* store.put(run, "none", new Uint8Array())
      yield* assertObjects(store, run, [
        ["all", bytes],
        ["part", bytes.subarray(100, 120)],
        ["none", new Uint8Array()]
      ])
    })
  )

  it.effect(`an object may have ${largeBytes} bytes`, () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      const bytes = new Uint8Array(largeBytes).map((_, i) => (i * 31) % 251)
      yield* store.put(run, "large", bytes)
      const [found] = yield* store.get(run, ["large"])
      assert.strictEqual(found === undefined ? -1 : Buffer.compare(found, bytes), 0)
    })
  )

  it.effect("keys are those of values and constants, and any other text", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      const keys = [
        "value/17",
        "value/17[3]",
        "value/17[3,5]",
        "const/0",
        "with space",
        "ä/ß",
        "a?b#c%20",
        "..",
        "A",
        "a"
      ]
      for (const key of keys) yield* store.put(run, key, text(`of ${key}`))
      yield* assertObjects(
        store,
        run,
        keys.map((key) => [key, text(`of ${key}`)] as const)
      )
    })
  )

  it.effect("many may be put and got at the same moment", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      const keys = Array.from({ length: 100 }, (_, i) => `value/${i}`)
      yield* Effect.forEach(keys, (key) => store.put(run, key, text(key)), {
        concurrency: "unbounded",
        discard: true
      })
      yield* assertObjects(
        store,
        run,
        keys.map((key) => [key, text(key)] as const)
      )
    })
  )

  it.effect("what is removed is not there; removing it again, or what never was, is no error", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      for (const key of ["a", "b", "c"]) yield* store.put(run, key, text(key))
      for (let i = 0; i < 2; i++) yield* store.remove(run, ["c", "unknown", "a"])
      yield* store.remove(run, [])
      yield* assertObjects(store, run, [
        ["a", undefined],
        ["b", text("b")],
        ["c", undefined]
      ])
      yield* store.put(run, "a", text("anew"))
      yield* assertObjects(store, run, [["a", text("anew")]])
    })
  )

  it.effect("runs do not touch each other", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      // One id begins with the other.
      const other = `${run}0`
      yield* Effect.addFinalizer(() => Effect.orDie(store.removeRun(other)))
      yield* store.put(run, "a", text("one"))
      yield* store.put(other, "a", text("two"))
      yield* store.remove(run, ["a"])
      yield* assertObjects(store, other, [["a", text("two")]])
      yield* store.put(run, "a", text("one"))
      yield* store.removeRun(run)
      yield* assertObjects(store, run, [["a", undefined]])
      yield* assertObjects(store, other, [["a", text("two")]])
    })
  )

  it.effect("removing a run twice, or one that never was, is no error", () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      yield* store.put(run, "a", text("a"))
      for (let i = 0; i < 2; i++) yield* store.removeRun(run)
      assert.deepStrictEqual(yield* store.get(run, ["a"]), [undefined])
    })
  )

  const counts = () =>
    Effect.gen(function* () {
      const { run, store } = yield* open
      const before = yield* store.usage
      for (const key of ["a", "b", "b", "c"]) yield* store.put(run, key, text(key))
      yield* store.get(run, ["a", "unknown"])
      assert.strictEqual((yield* store.usage) - before, 3)
      yield* store.remove(run, ["a", "unknown"])
      assert.strictEqual((yield* store.usage) - before, 2)
      yield* store.removeRun(run)
      assert.strictEqual((yield* store.usage) - before, 0)
    })
  const claim = "usage counts objects; a removed run leaves none"
  if (usage === true) it.effect(claim, counts)
  else it.effect.skip(`${claim} (skipped: ${usage.skipped})`, counts)
}
