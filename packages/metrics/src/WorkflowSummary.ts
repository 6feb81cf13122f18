/**
 * What is kept of a workflow, by its signature.
 */
import type { Predictions } from "@weft/core"
import * as Schema from "effect/Schema"
import type { Facts } from "./Facts.ts"
import * as Series from "./Series.ts"

/** Of a run that a plan had predicted the makespan of. */
export interface Calibration {
  /** The mean that was predicted, before it was corrected by earlier calibration. */
  readonly rawMs: number
  /** How it was expected to begin. Cold and warm runs are off in different ways. */
  readonly start: Predictions.Start
}

export interface WorkflowSummary {
  /** How many runs have succeeded. */
  readonly runs: number
  /** Of these, how many had workers in new environments. */
  readonly coldRuns: number
  /** Lengths of lists, by the node that opens them. */
  readonly widths: ReadonlyMap<number, Series.Series>
  /** How predictions turned out; what was measured last stands last. */
  readonly calibrations: ReadonlyArray<Calibrated>
}

/** How runs turned out that were planned alike and expected to begin alike. */
export interface Calibrated {
  readonly engine: string
  readonly planner: string
  readonly start: Predictions.Start
  /** Makespans as multiples of what had been predicted, before any correction. */
  readonly ratio: Series.Series
  /** Makespans, in ms. */
  readonly makespan: Series.Series
}

/** The first so many lists and the latest so many calibrations are kept. */
const LISTS = 1024
const CALIBRATIONS = 32

/**
 * What one run adds.
 *
 * @param predicted what had been expected of it
 */
export const of = (facts: Facts, predicted: Calibration | undefined): WorkflowSummary => {
  const widths = [...Map.groupBy(facts.widths, ([expand]) => expand)].slice(0, LISTS)
  const hasSucceeded = facts.status === "succeeded"
  return {
    runs: hasSucceeded ? 1 : 0,
    coldRuns: hasSucceeded && facts.workers.some(({ cold }) => cold) ? 1 : 0,
    widths: new Map(widths.map(([expand, own]) => [expand, Series.of(own.map(([, value]) => ({ value })))])),
    calibrations: hasSucceeded && predicted !== undefined ? calibrated(facts, predicted) : []
  }
}

const calibrated = (
  { engine, makespanMs, planner }: Facts,
  { rawMs, start }: Calibration
): ReadonlyArray<Calibrated> => {
  if (!(rawMs > 0)) return []
  const ratio = Series.of([{ value: makespanMs / rawMs }])
  return [{ engine, planner, start, ratio, makespan: Series.of([{ value: makespanMs }]) }]
}

export const merge = (old: WorkflowSummary, delta: WorkflowSummary): WorkflowSummary => ({
  runs: old.runs + delta.runs,
  coldRuns: old.coldRuns + delta.coldRuns,
  widths: new Map([...together(old.widths, delta.widths)].slice(0, LISTS)),
  calibrations: delta.calibrations.reduce(adding, old.calibrations).slice(-CALIBRATIONS)
})

/** Those of both; what was measured now stands last. */
const together = <K>(
  old: ReadonlyMap<K, Series.Series>,
  delta: ReadonlyMap<K, Series.Series>
): Map<K, Series.Series> => {
  const result = new Map(old)
  for (const [key, series] of delta) {
    result.delete(key)
    result.set(key, Series.merge(old.get(key) ?? Series.none, series))
  }
  return result
}

const adding = (all: ReadonlyArray<Calibrated>, one: Calibrated): ReadonlyArray<Calibrated> => {
  const isSame = ({ engine, planner, start }: Calibrated) =>
    engine === one.engine && planner === one.planner && start === one.start
  const before = all.find(isSame)
  const now = before === undefined ? one : joined(before, one)
  return [...all.filter((other) => other !== before), now]
}

/** One, and what was measured after it. */
const joined = (before: Calibrated, after: Calibrated): Calibrated => ({
  ...after,
  ratio: Series.merge(before.ratio, after.ratio),
  makespan: Series.merge(before.makespan, after.makespan)
})

const EncodedCalibrated = Schema.Struct({
  engine: Schema.String,
  planner: Schema.String,
  start: Schema.Literals(["cold", "warm"]),
  ratio: Series.Encoded,
  makespan: Series.Encoded
})

export const Encoded = Schema.Struct({
  runs: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  coldRuns: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  widths: Schema.Array(Schema.Tuple([Schema.Int, Series.Encoded])),
  calibrations: Schema.Array(EncodedCalibrated)
})
export type Encoded = typeof Encoded.Type

export const encode = ({ calibrations, coldRuns, runs, widths }: WorkflowSummary): Encoded => ({
  runs,
  coldRuns,
  widths: [...widths].map(([expand, series]) => [expand, Series.encode(series)]),
  calibrations: calibrations.map(({ makespan, ratio, ...of }) => ({
    ...of,
    ratio: Series.encode(ratio),
    makespan: Series.encode(makespan)
  }))
})

export const decode = ({ calibrations, coldRuns, runs, widths }: Encoded): WorkflowSummary => ({
  runs,
  coldRuns,
  widths: new Map(widths.map(([expand, series]) => [expand, Series.decode(series)])),
  calibrations: calibrations.map(({ makespan, ratio, ...of }) => ({
    ...of,
    ratio: Series.decode(ratio),
    makespan: Series.decode(makespan)
  }))
})
