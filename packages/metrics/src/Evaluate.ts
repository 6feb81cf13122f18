/**
 * Evaluation: how good predictions are, measured and not assumed.
 *
 * Leave-one-run-out: each run is predicted from all the others, in their order, as if it came after them. What is compared
 * are the times of its calls, the sizes of their values, its transfers and starts. Makespans are compared with what was
 * predicted before the run, as it was recorded with it: nothing else was known then.
 */
import { Instance, type Predictions } from "@weft/core"
import { History, type HistoryQuery, type RunRecord, type StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Details from "./Details.ts"
import { startOf, transfersOf } from "./EnvironmentSummary.ts"
import { beganAs, type Facts } from "./Facts.ts"
import * as Predictor from "./Predictor.ts"
import * as Summaries from "./Summaries.ts"

/** How far predictions were off. */
export interface Accuracy {
  /** How many predictions were compared. */
  readonly compared: number
  /** Of how many there was no prediction. */
  readonly unpredicted: number
  /** Median and 90th percentile of the absolute error of the predicted mean, as a share of what was measured. */
  readonly medianError: number
  readonly p90Error: number
  /** Which share of outcomes was below the predicted 50th and 90th percentile: 0.5 and 0.9 at best. */
  readonly below50: number
  readonly below90: number
}

export type Quantity = "execution" | "output" | "read" | "write" | "cold start" | "warm start"

export interface Evaluation {
  /** How many runs have details. */
  readonly runs: number
  readonly quantities: ReadonlyArray<{ readonly quantity: Quantity; readonly accuracy: Accuracy }>
  readonly makespans: ReadonlyArray<{
    readonly workflow: string
    readonly planner: string
    readonly accuracy: Accuracy
  }>
}

/** A run as the history has it; `facts` are `undefined` if it kept no details. */
export interface Past {
  readonly record: RunRecord
  readonly facts: Facts | undefined
}

/** So many calls, evenly spread, of each run are compared at most. */
const CALLS = 2000

/** Past runs with what was measured of them. Details of another version, or garbage, count as not there. */
export const load = Effect.fn("Evaluate.load")(function* (
  query: HistoryQuery
): Effect.fn.Return<ReadonlyArray<Past>, StoreError, History> {
  const history = yield* History
  const records = yield* history.runs(query)
  return yield* Effect.forEach(
    records,
    (record) => Effect.map(history.details(record.run), (bytes) => ({ record, facts: factsOf(bytes) })),
    { concurrency: 8 }
  )
})

const factsOf = (bytes: Uint8Array | undefined) => {
  if (bytes === undefined) return undefined
  try {
    return Details.decode(bytes).facts
  } catch {
    return undefined
  }
}

/** Evaluates the runs of a history, in any order. */
export const evaluate = (past: ReadonlyArray<Past>): Evaluation => {
  const runs = past.toSorted((a, b) => a.record.begunAt - b.record.begunAt)
  const known = runs.flatMap(({ facts }) => (facts === undefined ? [] : [facts]))
  const tallies = new Map<Quantity, Tally>()
  for (const [facts, predictions] of leaveOneOut(known)) compare(facts, predictions, tallies)
  return {
    runs: known.length,
    quantities: [...tallies].map(([quantity, tally]) => ({ quantity, accuracy: tally.accuracy() })),
    makespans: makespans(runs.map(({ record }) => record))
  }
}

/** Each run, and what the others predict of it. */
function* leaveOneOut(runs: ReadonlyArray<Facts>): Generator<readonly [Facts, Predictions.Predictions]> {
  const deltas = runs.map((facts) => [...Summaries.summarise(facts)])
  let before: ReadonlyMap<string, Summaries.Summary> = new Map()
  for (const [i, facts] of runs.entries()) {
    const wanted = new Set(deltas[i]!.map(([key]) => key))
    const others = new Map(before)
    for (const delta of deltas.slice(i + 1))
      for (const [key, summary] of delta)
        if (wanted.has(key)) others.set(key, Summaries.merge(others.get(key), summary))
    const { begunAt, engine, signature } = facts
    yield [facts, Predictor.make(others, { engine, signature, now: begunAt })]
    const next = new Map(before)
    for (const [key, summary] of deltas[i]!) next.set(key, Summaries.merge(next.get(key), summary))
    before = next
  }
}

const compare = (facts: Facts, predictions: Predictions.Predictions, tallies: Map<Quantity, Tally>) => {
  const tally = (quantity: Quantity) => {
    const known = tallies.get(quantity) ?? new Tally()
    tallies.set(quantity, known)
    return known
  }
  const { nodes, taskOf, workers } = facts
  for (const fact of evenly(nodes)) {
    const task = taskOf(Instance.nodeOf(fact.instance))
    const memory = workers[fact.worker]?.memory
    const worker = { start: beganAs(workers[fact.worker]), ...(memory === undefined ? {} : { memory }) }
    if (task !== undefined) {
      const shape = { inputBytes: fact.inputBytes, ...worker }
      tally("execution").add(fact.executionMs, predictions.executionMs(task, shape))
      if (fact.outputBytes > 0) tally("output").add(fact.outputBytes, predictions.outputBytes(task, shape))
    }
  }
  for (const { bytes, direction, memory, start, value } of evenly(transfersOf(facts))) {
    const worker = { start, ...(memory === undefined ? {} : { memory }) }
    tally(direction).add(value, predictions.transferMs(direction, bytes, worker))
  }
  for (const worker of workers) {
    const kind = beganAs(worker)
    for (const { memory = 0, value } of startOf(worker))
      tally(`${kind} start`).add(value, predictions.startMs(kind, memory))
  }
}

/** At most so many, evenly spread. */
const evenly = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => {
  const step = Math.max(1, all.length / CALLS)
  return Array.from({ length: Math.ceil(all.length / step) }, (_, i) => all[Math.floor(i * step)]!)
}

const makespans = (records: ReadonlyArray<RunRecord>) => {
  const predicted = records.filter(
    ({ predicted, status }) => predicted !== undefined && status === "succeeded"
  )
  const groups = Map.groupBy(predicted, ({ planner, workflow }) => JSON.stringify([workflow, planner]))
  return [...groups.values()].map((own) => {
    const tally = new Tally()
    for (const { makespanMs, predicted } of own)
      tally.compare(makespanMs, predicted!.meanMs, predicted!.p50Ms, predicted!.p90Ms)
    const { planner, workflow } = own[0]!
    return { workflow, planner, accuracy: tally.accuracy() }
  })
}

/** Errors are shares of at least this: clocks tell less than a microsecond from nothing. */
const LEAST = 1e-3

const below = (actual: number, percentile: number, p: number): number => {
  if (Math.abs(actual - percentile) <= 1e-9 * actual) return p
  return actual < percentile ? 1 : 0
}

class Tally {
  private readonly errors: Array<number> = []
  private unpredicted = 0
  private below50 = 0
  private below90 = 0

  add(actual: number, prediction: Predictions.Prediction | undefined) {
    if (prediction === undefined) this.unpredicted++
    else this.compare(actual, prediction.mean, prediction.percentile(0.5), prediction.percentile(0.9))
  }

  /** Of what is at a percentile exactly, since it is always the same, the percentile's share counts as below. */
  compare(actual: number, mean: number, p50: number, p90: number) {
    if (!(actual >= 0 && Number.isFinite(actual))) return
    this.errors.push(Math.abs(mean - actual) / Math.max(LEAST, actual))
    this.below50 += below(actual, p50, 0.5)
    this.below90 += below(actual, p90, 0.9)
  }

  accuracy(): Accuracy {
    const sorted = this.errors.toSorted((a, b) => a - b)
    const compared = sorted.length
    const at = (p: number) => sorted[Math.min(compared - 1, Math.floor(p * compared))] ?? 0
    const share = (count: number) => (compared === 0 ? 0 : count / compared)
    return {
      compared,
      unpredicted: this.unpredicted,
      medianError: at(0.5),
      p90Error: at(0.9),
      below50: share(this.below50),
      below90: share(this.below90)
    }
  }
}
