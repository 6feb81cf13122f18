// What holds of predictions whatever the history says.
import type { Predictions } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { facts, node, worker } from "./facts.ts"
import { predictorOf } from "./predictor.ts"

const number = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: 0, max: 1e4, noNaN: true }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 100, 1e6) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1e15, Number.MIN_VALUE) }
)
const maybe = fc.option(number, { nil: undefined })
const memory = fc.option(fc.oneof(fc.constantFrom(128, 512, 1024, 1769, 10_240), number), { nil: undefined })

const workerFact = fc
  .record({
    memory,
    invokedMs: maybe,
    beganMs: number,
    endedMs: number,
    cold: fc.option(fc.boolean(), { nil: undefined }),
    loadMs: number,
    callsMs: fc.array(number, { maxLength: 3 }),
    invokesMs: fc.array(number, { maxLength: 3 })
  })
  .map(worker)
const nodeFact = fc
  .record({
    instance: fc.integer({ min: 0, max: 3 }),
    worker: fc.integer({ min: 0, max: 5 }),
    inputsMs: number,
    executionMs: number,
    processorMs: maybe,
    publishMs: number,
    inputBytes: number,
    readBytes: number,
    preloadedBytes: number,
    preloadedMs: number,
    outputBytes: number,
    writtenBytes: number
  })
  .map(node)
const run = fc
  .record({
    begunAt: number,
    makespanMs: number,
    nodes: fc.array(nodeFact, { maxLength: 30 }),
    workers: fc.array(workerFact, { maxLength: 6 }),
    widths: fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), number), { maxLength: 5 })
  })
  .map((parts) => facts({ ...parts, taskOf: (id) => (id === 3 ? undefined : `task${id}`) }))
const runs = fc.array(run, { maxLength: 6 })

const SHARES = [0, 0.01, 0.1, 0.5, 0.75, 0.9, 0.99, 1]
const BYTES = [undefined, 0, 1, 1000, 1e6, 1e12, Number.NaN]
const MEMORY = [128, 512, 900, 1024, 1769, 10_240, 20_000]
const TASKS = ["task0", "task1", "task2"]

const numbers = (prediction: Predictions.Prediction | undefined) =>
  prediction === undefined ? [] : [prediction.mean, ...SHARES.map(prediction.percentile)]

describe("predictions from arbitrary histories", { timeout: 120_000 }, () => {
  it("are never NaN, never negative, and no higher percentile is shorter", () => {
    fc.assert(
      fc.property(runs, (history) => {
        const found = predictorOf(history)
        const of = (inputBytes: number | undefined, memory: number) =>
          TASKS.flatMap((name) => {
            const shape = inputBytes === undefined ? { memory } : { memory, inputBytes }
            return [
              found.executionMs(name, shape),
              found.processorMs(name, shape),
              found.outputBytes(name, shape)
            ]
          })
        const all = [
          ...MEMORY.flatMap((memory) => BYTES.flatMap((bytes) => of(bytes, memory))),
          ...MEMORY.flatMap((memory) => [found.startMs("cold", memory), found.startMs("warm", memory)]),
          ...[0, 1, 1e3, 1e9].flatMap((bytes) => [
            found.transferMs("read", bytes),
            found.transferMs("write", bytes)
          ]),
          ...[0, 1, 2, 3].map(found.width),
          found.invokeMs(),
          found.coordinationMs()
        ]
        for (const prediction of all) {
          const [mean = 0, ...percentiles] = numbers(prediction)
          for (const value of [mean, ...percentiles])
            if (!(value >= 0 && value <= 1e15)) expect.fail(`${value}`)
          for (let i = 1; i < percentiles.length; i++)
            if (percentiles[i]! < percentiles[i - 1]!) expect.fail(`${percentiles}`)
          if (prediction === undefined) continue
          expect(prediction.samples).toBeGreaterThanOrEqual(1)
          expect(prediction.extrapolation).toBeGreaterThanOrEqual(1)
          expect(prediction.extrapolation).toBeLessThan(Number.POSITIVE_INFINITY)
        }
        for (const memory of MEMORY) expect(found.warm(memory)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 80 }
    )
  })

  it("never predict a longer execution with more memory", () => {
    fc.assert(
      fc.property(
        runs,
        fc.array(fc.double({ min: 64, max: 2e4, noNaN: true }), { maxLength: 8 }),
        (history, more) => {
          const found = predictorOf(history)
          const sizes = [...MEMORY, ...more].sort((a, b) => a - b)
          for (const name of TASKS) {
            for (const inputBytes of [undefined, 0, 1000, 1e6]) {
              const at = sizes.map((memory) =>
                numbers(
                  found.executionMs(name, inputBytes === undefined ? { memory } : { memory, inputBytes })
                )
              )
              for (let i = 1; i < at.length; i++)
                for (const [k, value] of at[i]!.entries())
                  if (value > at[i - 1]![k]!) expect.fail(`${sizes[i]} MiB: ${value} after ${at[i - 1]![k]}`)
            }
          }
        }
      ),
      { numRuns: 80 }
    )
  })
})
