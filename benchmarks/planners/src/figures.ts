/** What the samples say: errors of predictions, coverage, and what plans are worth. */

import type { PredictedRun } from "@weft/storage"

/** One real run beside what was predicted of it. */
export interface Sample {
  readonly workflow: string
  readonly planner: string
  readonly round: number
  /** Whether it was planned with what was known of earlier runs. */
  readonly withHistory: boolean
  /** Whether all environments were new. */
  readonly start: "cold" | "warm"
  /** Finished runs of this workflow that the history knew, and how many of them this planner had planned. */
  readonly pastRuns: number
  readonly ownRuns: number
  readonly predicted: PredictedRun | undefined
  readonly makespanMs: number
  readonly gbSeconds: number
  readonly bytes: number
  readonly roundTrips: number
  readonly workers: number
  readonly coldStarts: number
}

/** So many past runs make a history. */
export const ENOUGH_RUNS = 5

export const percentile = (values: ReadonlyArray<number>, p: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * p
  const low = sorted[Math.floor(at)]!
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at))
}

export const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

/** How good predictions of makespans were. */
export interface Accuracy {
  readonly runs: number
  /** Absolute error of the mean, as a share of the real makespan. */
  readonly medianError: number
  readonly p90Error: number
  /** Shares of runs that took no longer than the predicted percentile. */
  readonly within50: number
  readonly within90: number
}

/** Whose past runs make the history: those of all planners, or of the one that is asked about. */
export type Past = "pastRuns" | "ownRuns"
export const PASTS: ReadonlyArray<readonly [past: Past, whose: string]> = [
  ["pastRuns", "of the workflow, whoever planned them"],
  ["ownRuns", "that the same planner had planned"]
]

/** Of runs that were planned with enough history. */
export const accuracy = (samples: ReadonlyArray<Sample>, past: Past): Accuracy | undefined => {
  const known = samples.flatMap(({ makespanMs, predicted, withHistory, ...of }) =>
    withHistory && of[past] >= ENOUGH_RUNS && predicted !== undefined ? [{ makespanMs, predicted }] : []
  )
  if (known.length === 0) return undefined
  const errors = known.map(
    ({ makespanMs, predicted }) => Math.abs(predicted.meanMs - makespanMs) / makespanMs
  )
  const within = (field: "p50Ms" | "p90Ms") =>
    known.filter(({ makespanMs, predicted }) => makespanMs <= predicted[field]).length / known.length
  return {
    runs: known.length,
    medianError: median(errors),
    p90Error: percentile(errors, 0.9),
    within50: within("p50Ms"),
    within90: within("p90Ms")
  }
}

/** A quantity of the runs with history (or without): the mean of the medians of those that began cold, and warm. */
export const typical = (
  samples: ReadonlyArray<Sample>,
  of: { readonly workflow: string; readonly planner: string; readonly withHistory: boolean },
  quantity: (sample: Sample) => number
): number | undefined => {
  const own = samples.filter(
    ({ planner, withHistory, workflow }) =>
      workflow === of.workflow && planner === of.planner && withHistory === of.withHistory
  )
  const medians = [...Map.groupBy(own, ({ start }) => start).values()].map((alike) =>
    median(alike.map(quantity))
  )
  return medians.length === 0 ? undefined : medians.reduce((sum, one) => sum + one, 0) / medians.length
}

/** What plans are worth, over all workflows. */
export interface Worth {
  /** The best planner's makespan with history as a share of planner-simple's: median over the workflows. */
  readonly bestToSimple: number
  readonly bestBy: ReadonlyArray<{
    readonly workflow: string
    readonly planner: string
    readonly ratio: number
  }>
  /** GB-seconds of report2 as a share of uniform's, where their makespans differ by no more than 3 %. */
  readonly report2ToUniform: number | undefined
  readonly equalWorkflows: number
  /** Makespan of each planner as a share of random placement's: median over the workflows. */
  readonly toRandom: ReadonlyArray<{ readonly planner: string; readonly ratio: number }>
}

const EQUAL = 0.03

export const worth = (samples: ReadonlyArray<Sample>): Worth => {
  const workflows = [...new Set(samples.map(({ workflow }) => workflow))]
  const planners = [...new Set(samples.map(({ planner }) => planner))]
  const makespan = (workflow: string, planner: string) =>
    typical(samples, { workflow, planner, withHistory: true }, (sample) => sample.makespanMs)
  const gbSeconds = (workflow: string, planner: string) =>
    typical(samples, { workflow, planner, withHistory: true }, (sample) => sample.gbSeconds)
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? [] : [a / b]
  const bestBy = workflows.flatMap((workflow) => {
    const ratios = planners
      .filter((planner) => !BASELINES.has(planner))
      .flatMap((planner) =>
        ratio(makespan(workflow, planner), makespan(workflow, "simple")).map((one) => ({
          workflow,
          planner,
          ratio: one
        }))
      )
    return ratios.toSorted((a, b) => a.ratio - b.ratio).slice(0, 1)
  })
  const equal = workflows.flatMap((workflow) => {
    const [of] = ratio(makespan(workflow, "report2"), makespan(workflow, "uniform"))
    return of !== undefined && Math.abs(of - 1) <= EQUAL
      ? ratio(gbSeconds(workflow, "report2"), gbSeconds(workflow, "uniform"))
      : []
  })
  const toRandom = planners.flatMap((planner) => {
    const ratios = workflows.flatMap((workflow) =>
      ratio(makespan(workflow, planner), makespan(workflow, "random"))
    )
    return ratios.length === 0 || planner === "random" ? [] : [{ planner, ratio: median(ratios) }]
  })
  return {
    bestToSimple: bestBy.length === 0 ? 1 : median(bestBy.map((one) => one.ratio)),
    bestBy,
    report2ToUniform: equal.length === 0 ? undefined : median(equal),
    equalWorkflows: equal.length,
    toRandom
  }
}

/** What planners are compared with. */
export const BASELINES: ReadonlySet<string> = new Set(["random", "single", "heft"])
