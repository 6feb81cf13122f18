import { it as effect } from "@effect/vitest"
import { History, type RunRecord } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { recordOf } from "../../storage/test/records.ts"
import { Details, Evaluate, type Facts } from "../src/index.ts"
import { facts, lognormal, node, random, worker } from "./facts.ts"

const record = (parts: Partial<RunRecord> = {}): RunRecord =>
  recordOf("run", 0, { workflow: "flow", makespanMs: 1000, ...parts })
const past = (run: Facts): Evaluate.Past => ({ record: record({ begunAt: run.begunAt }), facts: run })
const of = (found: Evaluate.Evaluation, quantity: Evaluate.Quantity) =>
  found.quantities.find((one) => one.quantity === quantity)!.accuracy

describe("evaluate", () => {
  it("predicts each run from the others: what is always the same without error", () => {
    const run = facts({
      nodes: [
        node({
          inputBytes: 1e6,
          readBytes: 1e6,
          inputsMs: 20,
          outputBytes: 500,
          writtenBytes: 500,
          publishMs: 3
        })
      ],
      workers: [worker({ cold: true, beganMs: 300 }), worker({ cold: false })]
    })
    const found = Evaluate.evaluate([1, 2, 3].map((begunAt) => past({ ...run, begunAt })))
    expect(found.runs).toBe(3)
    expect(found.quantities.map(({ quantity }) => quantity)).toEqual([
      "execution",
      "output",
      "read",
      "write",
      "cold start",
      "warm start"
    ])
    for (const { accuracy } of found.quantities) {
      expect(accuracy).toMatchObject({ compared: 3, unpredicted: 0, below50: 0.5 })
      expect(accuracy.below90).toBeCloseTo(0.9, 9)
      expect(accuracy.p90Error).toBeLessThan(0.02)
    }
  })

  it("leaves out the run that it predicts", () => {
    const [one, other] = [100, 300].map((executionMs, i) =>
      past(facts({ begunAt: i, nodes: [node({ executionMs })] }))
    )
    const { medianError, p90Error } = of(Evaluate.evaluate([other!, one!]), "execution")
    // 300 was predicted for 100, and 100 for 300.
    expect(p90Error).toBeCloseTo(2, 1)
    expect(medianError).toBeCloseTo(2, 1)
    expect(of(Evaluate.evaluate([one!]), "execution")).toMatchObject({
      compared: 0,
      unpredicted: 1,
      medianError: 0
    })
  })

  it("finds percentiles that cover what they say, and errors as large as the noise", () => {
    const next = random(5)
    const runs = Array.from({ length: 30 }, (_, begunAt) =>
      past(
        facts({
          begunAt,
          nodes: Array.from({ length: 20 }, () => {
            const inputBytes = 2 ** (16 + 8 * next())
            return node({ inputBytes, executionMs: lognormal(next, 10 + inputBytes / 1e5, 0.1) })
          })
        })
      )
    )
    const found = of(Evaluate.evaluate(runs), "execution")
    expect(found.compared).toBe(600)
    expect(found.medianError).toBeLessThan(0.1)
    expect(found.p90Error).toBeLessThan(0.25)
    expect(found.below50).toBeGreaterThan(0.42)
    expect(found.below50).toBeLessThan(0.58)
    expect(found.below90).toBeGreaterThan(0.85)
    expect(found.below90).toBeLessThan(0.96)
  })

  it("compares makespans with what was recorded, by workflow and planner", () => {
    const predicted = { meanMs: 1100, p50Ms: 1000, p90Ms: 1200, rawMs: 900 }
    const records = [
      record({ predicted, makespanMs: 1000 }),
      record({ predicted, makespanMs: 1250 }),
      record({ predicted, makespanMs: 5000, status: "failed" }),
      record({ predicted, planner: "dask", makespanMs: 1100 }),
      record({ workflow: "other" })
    ]
    const { makespans, quantities, runs } = Evaluate.evaluate(
      records.map((record) => ({ record, facts: undefined }))
    )
    expect({ quantities, runs }).toEqual({ quantities: [], runs: 0 })
    expect(makespans.map(({ planner, workflow }) => [workflow, planner])).toEqual([
      ["flow", "simple"],
      ["flow", "dask"]
    ])
    expect(makespans[0]!.accuracy).toMatchObject({ compared: 2, below50: 0.25, below90: 0.5 })
    expect(makespans[0]!.accuracy.p90Error).toBeCloseTo(0.12, 6)
    expect(makespans[1]!.accuracy).toMatchObject({ compared: 1, medianError: 0, below50: 0, below90: 1 })
  })

  it("of an empty history is empty", () => {
    expect(Evaluate.evaluate([])).toEqual({ runs: 0, quantities: [], makespans: [] })
  })
})

describe("load", () => {
  effect.effect("reads records and facts, and passes over details that are garbage", () =>
    Effect.gen(function* () {
      const history = yield* History
      const run = facts({ nodes: [node({ executionMs: 70 })] })
      const details = Details.encode({ plan: new Uint8Array(), graph: undefined, facts: run })
      yield* history.record(record({ run: "a", begunAt: 3 }), details)
      yield* history.record(record({ run: "b", begunAt: 2 }), Uint8Array.of(255, 1))
      yield* history.record(record({ run: "c", begunAt: 1 }))
      yield* history.record(record({ run: "d", workflow: "other" }), details)
      const past = yield* Evaluate.load({ workflow: "flow" })
      expect(past.map(({ record }) => record.run)).toEqual(["a", "b", "c"])
      expect(past.map(({ facts }) => facts?.nodes.map(({ executionMs }) => executionMs))).toEqual([
        [70],
        undefined,
        undefined
      ])
    }).pipe(Effect.provide(History.layerMemory))
  )
})
