/**
 * What is kept of a workflow, by its signature.
 */
import type { Predictions } from "@weft/core"
import { Schema } from "effect"
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
  /** Makespans as multiples of what had been predicted, before any correction, by {@link calibrationKey}. */
  readonly calibration: ReadonlyMap<string, Series.Series>
}

/** What calibrations are kept by. */
export const calibrationKey = (planner: string, start: Predictions.Start): string => `${planner} ${start}`

/** The first so many lists and the latest so many calibrations are kept. */
const LISTS = 1024
const PLANNERS = 32

/**
 * What one run adds.
 *
 * @param predicted what had been expected of it
 */
export const of = (facts: Facts, predicted: Calibration | undefined): WorkflowSummary => {
  const widths = [...Map.groupBy(facts.widths, ([expand]) => expand)].slice(0, LISTS)
  const hasSucceeded = facts.status === "succeeded"
  const isCompared = hasSucceeded && predicted !== undefined && predicted.rawMs > 0
  return {
    runs: hasSucceeded ? 1 : 0,
    coldRuns: hasSucceeded && facts.workers.some(({ cold }) => cold) ? 1 : 0,
    widths: new Map(widths.map(([expand, own]) => [expand, Series.of(own.map(([, value]) => ({ value })))])),
    calibration: new Map(
      isCompared
        ? [
            [
              calibrationKey(facts.planner, predicted.start),
              Series.of([{ value: facts.makespanMs / predicted.rawMs }])
            ]
          ]
        : []
    )
  }
}

export const merge = (old: WorkflowSummary, delta: WorkflowSummary): WorkflowSummary => ({
  runs: old.runs + delta.runs,
  coldRuns: old.coldRuns + delta.coldRuns,
  widths: new Map([...together(old.widths, delta.widths)].slice(0, LISTS)),
  calibration: new Map([...together(old.calibration, delta.calibration)].slice(-PLANNERS))
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

export const Encoded = Schema.Struct({
  runs: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  coldRuns: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  widths: Schema.Array(Schema.Tuple([Schema.Int, Series.Encoded])),
  calibration: Schema.Array(Schema.Tuple([Schema.String, Series.Encoded]))
})
export type Encoded = typeof Encoded.Type

export const encode = ({ calibration, coldRuns, runs, widths }: WorkflowSummary): Encoded => ({
  runs,
  coldRuns,
  widths: [...widths].map(([expand, series]) => [expand, Series.encode(series)]),
  calibration: [...calibration].map(([planner, series]) => [planner, Series.encode(series)])
})

export const decode = ({ calibration, coldRuns, runs, widths }: Encoded): WorkflowSummary => ({
  runs,
  coldRuns,
  widths: new Map(widths.map(([expand, series]) => [expand, Series.decode(series)])),
  calibration: new Map(calibration.map(([planner, series]) => [planner, Series.decode(series)]))
})
