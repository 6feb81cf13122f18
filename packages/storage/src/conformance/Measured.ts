/** Conformance of histories: summaries, which are replaced by comparison, and the batches of runs without a record. */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { History } from "../History.ts"
import type { StoreError } from "../StoreError.ts"
import type { HistoryCapabilities } from "./Capabilities.ts"
import { open, recordOf } from "./Histories.ts"

/** A history, and keys of the test's own, whose summaries are removed at its end. */
const openKeys = (count: number) =>
  Effect.gen(function* () {
    const history = yield* History
    const keys = Array.from({ length: count }, () => `conformance:${randomUUID()}`)
    yield* Effect.addFinalizer(() => Effect.orDie(history.removeSummaries(keys)))
    return { history, keys }
  })

const text = (value: string) => new TextEncoder().encode(value)
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes)

/** A run's batches, as texts. */
const batchesOf = (history: History["Service"], run: string) =>
  Effect.map(history.batches(run), (batches) => batches.map(textOf))

/** Adds 1 to a counter, as whoever merges something does: again, if somebody else was faster. */
const increase = (history: History["Service"], key: string): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    while (true) {
      const [before] = yield* history.summaries([key])
      yield* Effect.yieldNow
      const count = Number(textOf(before?.bytes) ?? 0)
      if (yield* history.replace(key, text(String(count + 1)), before?.revision)) return
    }
  })

export const measured = (it: Vitest.MethodsNonLive<History>, { time }: HistoryCapabilities): void => {
  it.effect("summaries come back in the order of the keys; what is not there is undefined", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(3)
      const [a, b, none] = keys as [string, string, string]
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      assert.isTrue(yield* history.replace(a, every, undefined))
      assert.isTrue(yield* history.replace(b, every.subarray(10, 20), undefined))
      const found = yield* history.summaries([b, none, a, b])
      assert.deepStrictEqual(
        found.map((summary) => summary && Uint8Array.from(summary.bytes)),
        [every.slice(10, 20), undefined, every, every.slice(10, 20)]
      )
      assert.deepStrictEqual(yield* history.summaries([]), [])
    })
  )

  it.effect("a summary is replaced only by who knows its revision", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(1)
      const [key] = keys as [string]
      const revision = Effect.map(history.summaries([key]), ([summary]) => summary?.revision)
      assert.isFalse(yield* history.replace(key, text("too early"), 1))
      assert.isTrue(yield* history.replace(key, text("first"), undefined))
      const first = yield* revision
      assert.isFalse(yield* history.replace(key, text("not the first"), undefined))
      assert.isTrue(yield* history.replace(key, text("second"), first))
      assert.isFalse(yield* history.replace(key, text("too late"), first))
      assert.notStrictEqual(yield* revision, first)
      assert.strictEqual(textOf((yield* history.summaries([key]))[0]?.bytes), "second")
    })
  )

  it.effect("a revision of what was removed does not come back", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(2)
      const [key, other] = keys as [string, string]
      yield* history.replace(key, text("old"), undefined)
      yield* history.replace(other, text("stays"), undefined)
      const [old] = yield* history.summaries([key])
      yield* history.removeSummaries([key, "conformance:never there"])
      assert.isFalse(yield* history.replace(key, text("merged into the old"), old?.revision))
      assert.isTrue(yield* history.replace(key, text("new"), undefined))
      assert.isFalse(yield* history.replace(key, text("merged into the old"), old?.revision))
      assert.deepStrictEqual(
        (yield* history.summaries([key, other])).map((summary) => textOf(summary?.bytes)),
        ["new", "stays"]
      )
    })
  )

  it.effect("keys are those of all summaries", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(3)
      for (const key of keys) yield* history.replace(key, text(key), undefined)
      assert.includeMembers([...(yield* history.keys)], keys)
      yield* history.removeSummaries(keys.slice(1))
      assert.includeMembers([...(yield* history.keys)], keys.slice(0, 1))
      assert.notIncludeMembers([...(yield* history.keys)], keys.slice(1, 2))
      yield* history.removeSummaries([])
    })
  )

  it.effect("of those who replace the same revision exactly one does", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(1)
      const [key] = keys as [string]
      for (let round = 0; round < 10; round++) {
        const [before] = yield* history.summaries([key])
        const won = yield* Effect.forEach(
          ["a", "b", "c", "d"],
          (writer) =>
            Effect.map(history.replace(key, text(`${writer}${round}`), before?.revision), (did) =>
              did ? [`${writer}${round}`] : []
            ),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(won.flat(), [textOf((yield* history.summaries([key]))[0]?.bytes)])
      }
    })
  )

  it.effect("nothing is lost of what many merge at the same time", () =>
    Effect.gen(function* () {
      const { history, keys } = yield* openKeys(3)
      // Each writer goes through the keys in an order of its own.
      const writers = Array.from({ length: 8 }, (_, writer) =>
        Array.from({ length: 9 }, (_, i) => keys[(i * (writer % 2 === 0 ? 1 : 2) + writer) % keys.length]!)
      )
      yield* Effect.forEach(writers, (order) => Effect.forEach(order, (key) => increase(history, key)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        (yield* history.summaries(keys)).map((summary) => textOf(summary?.bytes)),
        ["24", "24", "24"]
      )
    })
  )

  it.effect("batches come back in the order in which they came, of their run only", () =>
    Effect.gen(function* () {
      const { history } = yield* open
      const [a, b] = [randomUUID(), randomUUID()]
      yield* Effect.addFinalizer(() => Effect.orDie(Effect.forEach([a, b], history.remove)))
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      assert.deepStrictEqual(yield* history.batches(a), [])
      for (const batch of [every, every.subarray(3, 5), new Uint8Array(), every])
        yield* history.upload(a, batch)
      yield* history.upload(b, text("other"))
      assert.deepStrictEqual(
        (yield* history.batches(a)).map((batch) => Uint8Array.from(batch)),
        [every, every.slice(3, 5), new Uint8Array(), every]
      )
      assert.deepStrictEqual(yield* batchesOf(history, b), ["other"])
      assert.deepStrictEqual(yield* history.runs({ workflow: a }), [])
    })
  )

  it.effect("batches go when their run is recorded, or removed", () =>
    Effect.gen(function* () {
      const { add, history } = yield* open
      const [a, b] = [recordOf().run, recordOf().run]
      for (const run of [a, a, b]) yield* history.upload(run, text(run))
      yield* add({ run: a })
      assert.deepStrictEqual([yield* batchesOf(history, a), yield* batchesOf(history, b)], [[], [b]])
      yield* history.remove(b)
      assert.deepStrictEqual(yield* batchesOf(history, b), [])
    })
  )

  const passing = "skipped" in time ? { batchesMs: 0, elapse: () => Effect.void } : time
  const timed = "skipped" in time ? it.effect.skip : it.effect
  const why = "skipped" in time ? ` (skipped: ${time.skipped})` : ""

  timed(`batches go when a while has passed in which no other of their run came${why}`, () =>
    Effect.gen(function* () {
      const { batchesMs, elapse } = passing
      const history = yield* History
      const [a, b] = [randomUUID(), randomUUID()]
      yield* Effect.addFinalizer(() => Effect.orDie(Effect.forEach([a, b], history.remove)))
      yield* history.upload(a, text("1"))
      yield* history.upload(b, text("1"))
      yield* elapse(batchesMs * 0.6)
      yield* history.upload(a, text("2"))
      assert.deepStrictEqual(
        [yield* batchesOf(history, a), yield* batchesOf(history, b)],
        [["1", "2"], ["1"]]
      )
      yield* elapse(batchesMs * 0.6)
      assert.deepStrictEqual([yield* batchesOf(history, a), yield* batchesOf(history, b)], [["1", "2"], []])
      yield* elapse(batchesMs * 1.2)
      assert.deepStrictEqual(yield* batchesOf(history, a), [])
      yield* history.upload(a, text("3"))
      assert.deepStrictEqual(yield* batchesOf(history, a), ["3"])
    })
  )
}
