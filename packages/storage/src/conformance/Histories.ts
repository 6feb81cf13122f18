/** Conformance of histories: records of runs. What is measured beside them is in `Measured.ts`. */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { History } from "../History.ts"
import type { RunRecord } from "../RunRecord.ts"
import type { StoreError } from "../StoreError.ts"
import type { HistoryCapabilities } from "./Capabilities.ts"

type Store = History["Service"]

/** A record of a run of its own, which took next to nothing. */
export const recordOf = (more: Partial<RunRecord> = {}): RunRecord => ({
  version: 2,
  run: randomUUID(),
  workflow: "conformance",
  signature: "s",
  planner: "simple",
  engine: "inline",
  status: "succeeded",
  begunAt: 1_700_000_000_000,
  makespanMs: 12.5,
  instances: 3,
  tasks: [],
  workers: [],
  gbSeconds: 0,
  bytesRead: 0,
  bytesWritten: 0,
  roundTrips: 0,
  ...more
})

/** A history, and a maker of records of a workflow of the test's own, which are removed at its end. */
export const open: Effect.Effect<
  {
    readonly history: Store
    readonly workflow: string
    readonly add: (
      more?: Partial<RunRecord>,
      details?: Uint8Array
    ) => Effect.Effect<RunRecord, StoreError, Scope.Scope>
  },
  never,
  History
> = Effect.map(History, (history) => {
  const workflow = `conformance-${randomUUID()}`
  const add = Effect.fnUntraced(function* (more: Partial<RunRecord> = {}, details?: Uint8Array) {
    const record = recordOf({ workflow, ...more })
    yield* history.record(record, details)
    yield* Effect.addFinalizer(() => Effect.orDie(history.remove(record.run)))
    return record
  })
  return { history, workflow, add }
})

const runsOf = (records: ReadonlyArray<RunRecord>) => records.map(({ run }) => run)

const bytes = (...numbers: ReadonlyArray<number>) => Uint8Array.from(numbers)
/** Stores may answer with subclasses of `Uint8Array`. */
const plain = (found: Uint8Array | undefined) => found && Uint8Array.from(found)

export const histories = (it: Vitest.MethodsNonLive<History>, { pruning }: HistoryCapabilities): void => {
  it.effect("a record comes back as it was", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const record = yield* add({
        status: "failed",
        makespanMs: 0.125,
        begunAt: 1_700_000_000_000.5,
        tasks: [
          { task: "blur", calls: 3, executionMs: 1e-3, longestMs: 1e6, inputBytes: 2 ** 40, outputBytes: 0 },
          { task: "größe/ß", calls: 0, executionMs: 0, longestMs: 0, inputBytes: 0, outputBytes: 0 }
        ]
      })
      assert.deepStrictEqual(yield* history.runs({ workflow }), [record])
    })
  )

  it.effect("the newest come first, in whatever order they were recorded", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const [b, d, a, c] = [
        yield* add({ begunAt: 2 }),
        yield* add({ begunAt: 4 }),
        yield* add({ begunAt: 1 }),
        yield* add({ begunAt: 3 })
      ]
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow })), runsOf([d, c, b, a]))
    })
  )

  it.effect("of those that began at the same moment the one recorded last comes first", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const [a, b, c] = [yield* add(), yield* add(), yield* add()]
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow })), runsOf([c, b, a]))
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow, limit: 1 })), runsOf([c]))
    })
  )

  it.effect("limit gives the newest so many", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      for (let i = 0; i < 5; i++) yield* add({ begunAt: i })
      const begun = (limit: number) =>
        Effect.map(history.runs({ workflow, limit }), (records) => records.map(({ begunAt }) => begunAt))
      assert.deepStrictEqual(yield* begun(2), [4, 3])
      assert.deepStrictEqual(yield* begun(5), [4, 3, 2, 1, 0])
      assert.deepStrictEqual(yield* begun(50), [4, 3, 2, 1, 0])
      assert.deepStrictEqual(yield* begun(0), [])
    })
  )

  it.effect("without a limit it gives 100", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      for (let i = 0; i < 103; i++) yield* add({ begunAt: i })
      const records = yield* history.runs({ workflow })
      assert.deepStrictEqual([records.length, records[0]?.begunAt, records[99]?.begunAt], [100, 102, 3])
    })
  )

  it.effect("workflow and signature say which are wanted; the limit counts those", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const signature = randomUUID()
      const [a, b, c] = [
        yield* add({ signature, begunAt: 1 }),
        yield* add({ begunAt: 2 }),
        yield* add({ signature, begunAt: 3 })
      ]
      const other = yield* add({ workflow: `${workflow}-other`, signature, begunAt: 4 })
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow })), runsOf([c, b, a]))
      assert.deepStrictEqual(runsOf(yield* history.runs({ signature })), runsOf([other, c, a]))
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow, signature })), runsOf([c, a]))
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow, signature, limit: 1 })), runsOf([c]))
      assert.deepStrictEqual(yield* history.runs({ workflow: `${workflow}-unknown` }), [])
      assert.include(runsOf(yield* history.runs({ limit: 1_000 })), other.run)
    })
  )

  it.effect("a record of the same run is replaced", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const { run } = yield* add({ begunAt: 1, makespanMs: 1 })
      yield* add({ begunAt: 2 })
      const last = yield* add({ run, begunAt: 3, makespanMs: 2 })
      const records = yield* history.runs({ workflow })
      assert.deepStrictEqual([records.length, records[0]], [2, last])
    })
  )

  it.effect("what is removed is not there; removing it again is no error", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const [a, b] = [yield* add(), yield* add()]
      for (let i = 0; i < 2; i++) yield* history.remove(a.run)
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow })), runsOf([b]))
    })
  )

  it.effect("limit may be all there is, and must be a number of runs", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      for (let i = 0; i < 103; i++) yield* add({ begunAt: i })
      const limit = Number.POSITIVE_INFINITY
      assert.strictEqual((yield* history.runs({ workflow, limit })).length, 103)
      for (const limit of [-1, 0.5, Number.NaN]) {
        const error = yield* Effect.flip(history.runs({ workflow, limit }))
        assert.deepStrictEqual([error._tag, error.reason], ["StoreError", "refused"])
      }
    })
  )

  it.effect("a record with a number that cannot be is refused, and what was there stays", () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const good = yield* add()
      const task = { task: "t", calls: 1, executionMs: 1, longestMs: 1, inputBytes: 0, outputBytes: 0 }
      const absurd: ReadonlyArray<Partial<RunRecord>> = [
        { makespanMs: -1 },
        { makespanMs: Number.NaN },
        { gbSeconds: Number.POSITIVE_INFINITY },
        { begunAt: Number.NaN },
        { instances: 1.5 },
        { tasks: [{ ...task, executionMs: -0.001 }] },
        { tasks: [{ ...task, calls: Number.NaN }] },
        { workers: [{ memory: -1, workers: 1, cold: 0 }] },
        { predicted: { meanMs: Number.NaN, p50Ms: 1, p90Ms: 1, rawMs: 1 } }
      ]
      for (const more of absurd) {
        const error = yield* Effect.flip(history.record({ ...good, ...more }))
        assert.deepStrictEqual([error.reason, error.operation], ["refused", "record a run"])
        assert.include(error.message, String(Object.keys(more)[0]))
      }
      assert.deepStrictEqual(yield* history.runs({ workflow }), [good])
    })
  )

  it.effect("details come back as they were, of their run only, and go with the record", () =>
    Effect.gen(function* () {
      const { add, history } = yield* open
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const [a, b, c] = [yield* add({}, every), yield* add(), yield* add({}, every.subarray(10, 20))]
      assert.deepStrictEqual(plain(yield* history.details(a.run)), every)
      assert.strictEqual(yield* history.details(b.run), undefined)
      assert.deepStrictEqual(plain(yield* history.details(c.run)), every.slice(10, 20))
      assert.strictEqual(yield* history.details(randomUUID()), undefined)
      yield* add({ run: a.run }, bytes(1))
      assert.deepStrictEqual(plain(yield* history.details(a.run)), bytes(1))
      yield* add({ run: a.run })
      assert.strictEqual(yield* history.details(a.run), undefined)
      yield* history.remove(c.run)
      assert.strictEqual(yield* history.details(c.run), undefined)
    })
  )

  it.effect("no record is passed over of those that this version wrote", () =>
    Effect.gen(function* () {
      const { add, history } = yield* open
      yield* add()
      assert.strictEqual(yield* history.unreadable, 0)
    })
  )

  const prunes = "skipped" in Object(pruning) ? it.effect.skip : it.effect
  const why = pruning === true ? "" : ` (skipped: ${pruning.skipped})`

  prunes(`pruning removes what began before, with its details, and no summaries${why}`, () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const key = randomUUID()
      yield* history.replace(key, bytes(1), undefined)
      const [a, b] = [yield* add({ begunAt: 10 }, bytes(1)), yield* add({ begunAt: 20 }, bytes(2))]
      yield* add({ workflow: `${workflow}-other`, begunAt: 19.5 })
      assert.strictEqual(yield* history.prune({ before: 10 }), 0)
      assert.strictEqual(yield* history.prune({ before: 20 }), 2)
      assert.deepStrictEqual(runsOf(yield* history.runs({ workflow })), [b.run])
      assert.strictEqual(yield* history.details(a.run), undefined)
      assert.deepStrictEqual(plain(yield* history.details(b.run)), bytes(2))
      assert.isDefined((yield* history.summaries([key]))[0])
      yield* history.removeSummaries([key])
    })
  )

  prunes(`pruning keeps the newest so many of each workflow${why}`, () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      const other = `${workflow}-other`
      for (let i = 0; i < 5; i++) yield* add({ begunAt: i })
      for (let i = 0; i < 3; i++) yield* add({ workflow: other, begunAt: 100 })
      assert.strictEqual(yield* history.prune({ keep: 5 }), 0)
      assert.strictEqual(yield* history.prune({ keep: 2 }), 4)
      assert.deepStrictEqual(
        (yield* history.runs({ workflow })).map(({ begunAt }) => begunAt),
        [4, 3]
      )
      assert.strictEqual((yield* history.runs({ workflow: other })).length, 2)
      assert.strictEqual(yield* history.prune({ keep: 0 }), 4)
      assert.deepStrictEqual(yield* history.runs({}), [])
    })
  )

  prunes(`pruning by both removes what either says; by neither, nothing${why}`, () =>
    Effect.gen(function* () {
      const { add, history, workflow } = yield* open
      for (let i = 0; i < 5; i++) yield* add({ begunAt: i })
      assert.strictEqual(yield* history.prune({}), 0)
      assert.strictEqual(yield* history.prune({ before: 1, keep: 3 }), 2)
      assert.strictEqual(yield* history.prune({ before: 4, keep: 3 }), 2)
      assert.strictEqual((yield* history.runs({ workflow })).length, 1)
      for (const which of [{ keep: -1 }, { keep: 0.5 }, { keep: Number.NaN }, { before: Number.NaN }]) {
        const error = yield* Effect.flip(history.prune(which))
        assert.deepStrictEqual([error.reason, error.operation], ["refused", "prune the history"])
      }
      assert.strictEqual((yield* history.runs({ workflow })).length, 1)
    })
  )
}
