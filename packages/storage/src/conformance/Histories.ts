/** Conformance of histories. */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { History, type RunRecord } from "../History.ts"
import type { StoreError } from "../StoreError.ts"

type Store = History["Service"]

/** A history, and a maker of records of a workflow of the test's own, which are removed at its end. */
const open: Effect.Effect<
  {
    readonly history: Store
    readonly workflow: string
    readonly add: (more?: Partial<RunRecord>) => Effect.Effect<RunRecord, StoreError, Scope.Scope>
  },
  never,
  History
> = Effect.map(History, (history) => {
  const workflow = `conformance-${randomUUID()}`
  const add = Effect.fnUntraced(function* (more: Partial<RunRecord> = {}) {
    const record: RunRecord = {
      version: 2,
      run: randomUUID(),
      workflow,
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
    }
    yield* history.record(record)
    yield* Effect.addFinalizer(() => Effect.orDie(history.remove(record.run)))
    return record
  })
  return { history, workflow, add }
})

const runsOf = (records: ReadonlyArray<RunRecord>) => records.map(({ run }) => run)

export const histories = (it: Vitest.MethodsNonLive<History>): void => {
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
}
