// One object store of two tiers, in memory: what goes where, and which tier is asked.
import { assert, describe, it } from "@effect/vitest"
import { ObjectStore, StoreError, tiered } from "@weft/storage"
import { objectStore } from "@weft/storage/conformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const memories = (thresholdBytes: number) =>
  tiered({
    small: ObjectStore.layerMemory,
    large: Layer.fresh(ObjectStore.layerMemory),
    thresholdBytes
  })

objectStore("tiered, most objects small", memories(4), { largeBytes: 2 ** 20, usage: true })
objectStore("tiered, all objects large", memories(0), {
  largeBytes: 2 ** 20,
  usage: { skipped: "a run with large objects has a mark, too" }
})

/** Tiers that tell what they are asked, and a store for each process that shares them. */
const open = Effect.gen(function* () {
  const asked: Array<string> = []
  const told = Effect.fnUntraced(function* (tier: string) {
    const store = Context.get(yield* Layer.build(Layer.fresh(ObjectStore.layerMemory)), ObjectStore)
    const tell = (what: string) => Effect.sync(() => void asked.push(`${tier} ${what}`))
    return ObjectStore.of({
      put: (run, key, bytes) => Effect.andThen(tell(`put ${key}`), store.put(run, key, bytes)),
      get: (run, keys) => Effect.andThen(tell(`get ${keys}`), store.get(run, keys)),
      remove: (run, keys) => Effect.andThen(tell(`remove ${keys}`), store.remove(run, keys)),
      removeRun: (run) => Effect.andThen(tell("removeRun"), store.removeRun(run)),
      usage: store.usage
    })
  })
  const small = yield* told("small")
  const large = yield* told("large")
  const process = Effect.map(
    Layer.build(
      tiered({
        small: Layer.succeed(ObjectStore, small),
        large: Layer.succeed(ObjectStore, large),
        thresholdBytes: 10
      })
    ),
    (context) => Context.get(context, ObjectStore)
  )
  /** What was asked since the last time. */
  const takeAsked = () => asked.splice(0)
  return { small, large, process, takeAsked }
})

const SMALL = new Uint8Array(10).fill(1)
const LARGE = new Uint8Array(11).fill(2)

describe("tiered", () => {
  it.effect("a run without large objects never asks the large tier", () =>
    Effect.gen(function* () {
      const { process, takeAsked } = yield* open
      const store = yield* process
      yield* store.put("r", "a", SMALL)
      assert.deepStrictEqual(yield* store.get("r", ["a", "gone"]), [SMALL, undefined])
      yield* store.remove("r", ["a"])
      yield* store.removeRun("r")
      assert.deepStrictEqual(
        takeAsked().filter((what) => what.startsWith("large")),
        []
      )
    })
  )

  it.effect("large objects take a mark for each run, and are found by others in one read of each tier", () =>
    Effect.gen(function* () {
      const { process, takeAsked } = yield* open
      const store = yield* process
      yield* store.put("r", "a", LARGE)
      yield* store.put("r", "b", LARGE)
      yield* store.put("r", "c", SMALL)
      assert.deepStrictEqual(takeAsked(), [
        "small put ~large",
        "large put a",
        "small remove a",
        "large put b",
        "small remove b",
        "small put c"
      ])
      const other = yield* process
      const found = yield* other.get("r", ["a", "gone", "c", "b", "a"])
      assert.deepStrictEqual(found, [LARGE, undefined, SMALL, LARGE, LARGE])
      assert.deepStrictEqual(takeAsked(), ["small get ~large,a,gone,c,b,a", "large get a,gone,b,a"])
      assert.deepStrictEqual(yield* other.get("r", ["c"]), [SMALL])
      assert.deepStrictEqual(takeAsked(), ["small get ~large,c"])
    })
  )

  it.effect("a process that knows nothing of a run removes from both tiers, after one look", () =>
    Effect.gen(function* () {
      const { large, process, small, takeAsked } = yield* open
      yield* (yield* process).put("r", "a", LARGE)
      takeAsked()
      const other = yield* process
      yield* other.remove("r", ["a"])
      assert.deepStrictEqual(takeAsked().sort(), ["large remove a", "small get ~large", "small remove a"])
      yield* (yield* process).put("r", "b", LARGE)
      yield* other.removeRun("r")
      assert.deepStrictEqual([yield* small.usage, yield* large.usage], [0, 0])
    })
  )

  it.effect.each([
    ["small, then large", SMALL, LARGE],
    ["large, then small", LARGE, SMALL]
  ] as const)("the last put counts: %s", ([, first, last]) =>
    Effect.gen(function* () {
      const { large, process, small } = yield* open
      const store = yield* process
      yield* store.put("r", "a", first)
      yield* store.put("r", "a", last)
      assert.deepStrictEqual(yield* store.get("r", ["a"]), [last])
      assert.deepStrictEqual(yield* (yield* process).get("r", ["a"]), [last])
      yield* store.remove("r", ["a"])
      assert.deepStrictEqual(yield* (yield* process).get("r", ["a"]), [undefined])
      yield* store.removeRun("r")
      assert.deepStrictEqual([yield* small.usage, yield* large.usage], [0, 0])
    })
  )

  it.effect("a run that could not be removed from the large tier can be removed again, by anybody", () =>
    Effect.gen(function* () {
      const { large, process, small } = yield* open
      yield* (yield* process).put("r", "a", LARGE)
      const error = new StoreError({ reason: "unavailable", operation: "remove", detail: "not now" })
      const failing = tiered({
        small: Layer.succeed(ObjectStore, small),
        large: Layer.succeed(ObjectStore, { ...large, removeRun: () => Effect.fail(error) }),
        thresholdBytes: 10
      })
      const failed = ObjectStore.use((store) => store.removeRun("r")).pipe(
        Effect.provide(failing),
        Effect.flip
      )
      assert.strictEqual(yield* failed, error)
      yield* (yield* process).removeRun("r")
      assert.deepStrictEqual([yield* small.usage, yield* large.usage], [0, 0])
    })
  )

  it.effect("knows of many runs, and forgets some of them safely", () =>
    Effect.gen(function* () {
      const { large, process, small } = yield* open
      const store = yield* process
      const runs = Array.from({ length: 1_500 }, (_, i) => `r${i}`)
      for (const run of runs) yield* store.put(run, "a", LARGE)
      for (const run of runs) assert.deepStrictEqual(yield* store.get(run, ["a"]), [LARGE])
      for (const run of runs) yield* store.removeRun(run)
      assert.deepStrictEqual([yield* small.usage, yield* large.usage], [0, 0])
    })
  )
})
