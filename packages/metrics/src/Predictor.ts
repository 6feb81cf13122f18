/**
 * Predictor: core's `Predictions`, made from the summaries of one workflow, its tasks and the engine it is to run on.
 *
 * Making it reads a summary for each task, and takes time by the number of tasks and not of past runs. Asking is arithmetic.
 */
import { type Graph, GraphCodec, type Predictions } from "@weft/core"
import { History, type StoreError } from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Cells from "./Cells.ts"
import type { Beginning } from "./EnvironmentSummary.ts"
import { CORE_MIB } from "./Laws.ts"
import * as Left from "./Left.ts"
import * as Quantity from "./Quantity.ts"
import type * as Series from "./Series.ts"
import * as Summaries from "./Summaries.ts"
import type { TaskSummary } from "./TaskSummary.ts"
import type { Calibrated } from "./WorkflowSummary.ts"

export interface PredictorOptions {
  /** Where workers will run: the engine's name. */
  readonly engine: string
  /** `GraphCodec.signature` of the graph. */
  readonly signature: string
  /** When the run is to begin, in ms since the epoch: environments do not stay warm for ever. */
  readonly now: number
}

/** Predictions for a graph, read from the history at once. What cannot be read there counts as not known. */
export const load = Effect.fn("Predictor.load")(function* (
  graph: Graph.Graph,
  engine: string
): Effect.fn.Return<Predictions.Predictions, StoreError, History> {
  const history = yield* History
  const signature = GraphCodec.signature(graph)
  const keys = [
    Summaries.environmentKey(engine),
    Summaries.workflowKey(signature),
    ...tasksOf(graph).map(Summaries.taskKey)
  ]
  const found = yield* history.summaries(keys)
  const summaries = new Map<string, Summaries.Summary>()
  for (const [i, key] of keys.entries()) {
    const bytes = found[i]?.bytes
    const summary = bytes === undefined ? undefined : Summaries.decode(bytes)
    if (summary !== undefined) summaries.set(key, summary)
  }
  return make(summaries, { engine, signature, now: yield* Clock.currentTimeMillis })
})

/** The names of the tasks that a graph calls. */
const tasksOf = (graph: Graph.Graph): ReadonlyArray<string> => [
  ...new Set(graph.columns.tasks.map(({ name }) => name))
]

/** Predictions from summaries by their keys. */
export const make = (
  summaries: ReadonlyMap<string, Summaries.Summary>,
  { engine, now, signature }: PredictorOptions
): Predictions.Predictions => {
  const found = {
    environment: summaries.get(Summaries.environmentKey(engine)),
    workflow: summaries.get(Summaries.workflowKey(signature))
  }
  const environment = found.environment?.kind === "environment" ? found.environment.environment : undefined
  const workflow = found.workflow?.kind === "workflow" ? found.workflow.workflow : undefined
  const isSized =
    environment === undefined || hasSizes(environment.cold.start) || hasSizes(environment.warm.start)

  const tasks = remembered((name: string) => {
    const summary = summaries.get(Summaries.taskKey(name))
    return summary?.kind === "task" ? modelOf(summary.task, isSized) : undefined
  })
  const workers = environment && {
    cold: alike(environment.cold, isSized),
    warm: alike(environment.warm, isSized)
  }
  const of = <K extends keyof Alike>(kind: K, start: Predictions.Start | undefined): Alike[K] | undefined =>
    workers && either({ cold: workers.cold[kind], warm: workers.warm[kind] }, start)
  const widths = remembered((expand: number) => single(workflow?.widths.get(expand)))

  return {
    runs: workflow?.runs ?? 0,
    runsBegun: (start) =>
      workflow === undefined ? 0 : start === "cold" ? workflow.coldRuns : workflow.runs - workflow.coldRuns,
    executionMs: (task, shape) => {
      const known = tasks(task)
      return known && either(known, shape.start)?.predict(shape)
    },
    processorMs: (task, shape) => tasks(task)?.processor?.predict(shape),
    outputBytes: (task, shape) => tasks(task)?.output?.predict(shape),
    width: widths,
    transferMs: (direction, bytes, { start, ...worker } = {}) => {
      const usual = of(direction, "warm")?.predict({ inputBytes: bytes, ...worker })
      // Of first transfers there are too few to tell what bytes do to them: mostly they wait for a connection.
      const first = start === "cold" ? workers?.cold[direction]?.predict(worker) : undefined
      return first && usual ? longer(first, usual) : usual
    },
    // Here the other is nothing to go by: they differ in kind.
    startMs: (start, memory) =>
      workers?.[environment?.left.kept === false ? "warm" : start].start?.predict({ inputBytes: 0, memory }),
    invokeMs: (start) => of("invoke", start),
    coordinationMs: (start) => of("call", start),
    warm: (memory) => (environment === undefined ? 0 : Left.warm(environment.left, memory, now)),
    calibration: (planner, start) =>
      calibration(
        (workflow?.calibrations ?? []).filter((one) => one.engine === engine && one.start === start),
        planner
      )
  }
}

/** What is known of workers that begin like this, else of the others: the next best to go by. */
const either = <A>(
  { cold, warm }: { readonly cold: A | undefined; readonly warm: A | undefined },
  start: Predictions.Start = "warm"
): A | undefined => (start === "cold" ? (cold ?? warm) : (warm ?? cold))

/** What takes as long as the longer of two. */
const longer = (a: Predictions.Prediction, b: Predictions.Prediction): Predictions.Prediction => ({
  ...a,
  mean: Math.max(a.mean, b.mean),
  percentile: (p) => Math.max(a.percentile(p), b.percentile(p)),
  extrapolation: Math.max(a.extrapolation, b.extrapolation)
})

const single = (series: Series.Series | undefined) =>
  series === undefined ? undefined : Quantity.make(series.cells)?.predict({})

/** What a planner's own runs say, or else those of all. */
const calibration = (
  all: ReadonlyArray<Calibrated>,
  planner: string
): Predictions.Calibration | undefined => {
  const own = all.find((one) => one.planner === planner)
  const ratio = single(own?.ratio) ?? ofOthers(all)
  return ratio && { ratio, makespanMs: single(own?.makespan) }
}

/**
 * How far predictions of other planners were off, drawn towards not at all: by half if one planner is all that is known, for
 * what holds of its plans need not hold of others, and by less with each that agrees.
 */
const ofOthers = (all: ReadonlyArray<Calibrated>): Predictions.Prediction | undefined => {
  const cells = all.reduce<Cells.Cells>((known, { ratio }) => Cells.merge(known, ratio.cells), Cells.none)
  const ratio = Quantity.make(cells)?.predict({})
  const belief = all.length / (all.length + 1)
  return (
    ratio && {
      ...ratio,
      mean: ratio.mean ** belief,
      percentile: (p) => ratio.percentile(p) ** belief
    }
  )
}

/** What workers take that begin alike. */
const alike = ({ call, invoke, read, start, write }: Beginning, isSized: boolean) => ({
  start: Quantity.make(start.cells, { sized: isSized }),
  read: Quantity.make(read.cells, { rising: true, sized: isSized }),
  write: Quantity.make(write.cells, { rising: true, sized: isSized }),
  call: single(call),
  invoke: single(invoke)
})
type Alike = ReturnType<typeof alike>

const hasSizes = ({ cells }: Series.Series) => cells.some(({ memory }) => memory > 0)

/**
 * A task's quantities. Where workers have no sizes, memory changes nothing. What was measured there is used for workers that
 * have only where there is nothing else, and is then taken for what one whole core does; and the other way round.
 */
const modelOf = ({ cold, output, processor, warm }: TaskSummary, isSized: boolean) => {
  const computing = Quantity.make(processor.cells, { sized: false })
  const fit = (cells: Cells.Cells) => Quantity.make(cells, { processor: computing })
  const execution = ({ cells }: Series.Series) => {
    const sized = cells.filter(({ memory }) => memory > 0)
    const unsized = cells.filter(({ memory }) => memory === 0)
    if (isSized) return fit(sized.length > 0 ? sized : cells.map((cell) => ({ ...cell, memory: CORE_MIB })))
    return unsized.length > 0 ? fit(unsized) : at(fit(sized), CORE_MIB)
  }
  return {
    processor: computing,
    output: Quantity.make(output.cells, { sized: false }),
    cold: execution(cold),
    warm: execution(warm)
  }
}

/** The same at one memory size, whatever is asked. */
const at = (quantity: Quantity.Quantity | undefined, memory: number): Quantity.Quantity | undefined =>
  quantity && {
    ...quantity,
    predict: ({ inputBytes }) =>
      quantity.predict(inputBytes === undefined ? { memory } : { inputBytes, memory })
  }

/** Asks once for each key. */
const remembered = <K, V>(ask: (key: K) => V): ((key: K) => V) => {
  const known = new Map<K, V>()
  return (key) => {
    const before = known.get(key)
    if (before !== undefined || known.has(key)) return before as V
    const made = ask(key)
    known.set(key, made)
    return made
  }
}
