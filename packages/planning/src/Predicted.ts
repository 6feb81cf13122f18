/**
 * Predictions as numbers: measured ones, else what the user says, else the figures of an environment. Never NaN, never negative.
 */
import { Graph, type Predictions } from "@weft/core"
import type { Resolved } from "./Environment.ts"

/** A worker: its memory, in MiB, and what it begins in. */
export interface Site {
  readonly memory: number
  readonly start: Predictions.Start
}

/** What a worker begins in, by whether it is cold. */
export const startOf = ({ isCold }: { readonly isCold: boolean }): Predictions.Start =>
  isCold ? "cold" : "warm"

export interface Asking {
  /** `undefined` if nothing is known of the task. `share`: that of a core which comes with the memory. */
  readonly executionMs: (
    graph: Graph.Graph,
    node: number,
    shape: Site & { readonly inputBytes: number; readonly share: number }
  ) => number | undefined
  /** How much of that is computing, at the speed of a whole core; `undefined` if it is not known. */
  readonly processorMs: (graph: Graph.Graph, node: number, shape: Predictions.CallShape) => number | undefined
  readonly outputBytes: (graph: Graph.Graph, node: number, inputBytes: number) => number
  readonly width: (graph: Graph.Graph, expand: number) => number
  readonly transferMs: (direction: "read" | "write", bytes: number, site: Site) => number
  readonly startMs: (start: Predictions.Start, memory: number) => number
  readonly invokeMs: (start: Predictions.Start) => number
  readonly callMs: (start: Predictions.Start) => number
}

/** What a worker with so much memory (MiB) begins in, as far as that is known before a plan is. */
export const beginsAs = ({ warm }: Predictions.Predictions, memory: number): Predictions.Start =>
  warm(memory) > 0 ? "warm" : "cold"

/** Asks predictions for the value that `of` takes from each distribution. */
export const asking = (
  predictions: Predictions.Predictions,
  { figures }: Pick<Resolved, "figures">,
  of: (prediction: Predictions.Prediction) => number
): Asking => {
  const known = (prediction: Predictions.Prediction | undefined): number | undefined => {
    if (prediction === undefined) return undefined
    const predicted = of(prediction)
    return Number.isFinite(predicted) ? Math.max(0, predicted) : undefined
  }
  return {
    executionMs: (graph, node, { inputBytes, memory, share, start }) => {
      const measured = known(predictions.executionMs(graph.name(node), { inputBytes, memory, start }))
      if (measured !== undefined) return measured
      // Hints are for a whole core.
      const hint = graph.options(node).hints?.executionMs
      return hint === undefined ? undefined : hint / share
    },
    processorMs: (graph, node, shape) => known(predictions.processorMs(graph.name(node), shape)),
    outputBytes: (graph, node, inputBytes) =>
      known(predictions.outputBytes(graph.name(node), { inputBytes })) ??
      graph.options(node).hints?.outputBytes ??
      figures.outputBytes,
    width: (graph, expand) => {
      const certain = writtenLength(graph, expand)
      if (certain !== undefined) return certain
      const list = graph.inputs.list[graph.inputs.start[expand]!]
      const hint = list === undefined ? undefined : graph.options(list).hints?.width
      return known(predictions.width(expand)) ?? hint ?? figures.width
    },
    transferMs: (direction, bytes, { memory, start }) =>
      known(predictions.transferMs(direction, bytes, { memory, start })) ??
      figures.transferMs + bytes / figures.bytesPerMs,
    startMs: (start, memory) =>
      known(predictions.startMs(start, memory)) ?? (start === "cold" ? figures.coldMs : figures.warmMs),
    invokeMs: (start) => known(predictions.invokeMs(start)) ?? figures.invokeMs,
    callMs: (start) => known(predictions.coordinationMs(start)) ?? figures.callMs
  }
}

/** The length of a list that stands in the workflow. */
const writtenLength = (graph: Graph.Graph, expand: number): number | undefined => {
  const list = graph.columns.args[expand]![0]
  if (Array.isArray(list)) return list.length
  if (!(list instanceof Graph.Const)) return undefined
  const constant = graph.columns.constants[list.index]
  return constant !== undefined && "value" in constant && Array.isArray(constant.value)
    ? constant.value.length
    : undefined
}

/** The same predictions, asked once for each question: simulations ask the same for every instance. */
export const remembered = (predictions: Predictions.Predictions): Predictions.Predictions => {
  const once = <A extends ReadonlyArray<unknown>, B>(of: (...args: A) => B) => {
    const known = new Map<string, B>()
    return (...args: A): B => {
      const key = JSON.stringify(args)
      if (!known.has(key)) known.set(key, of(...args))
      return known.get(key)!
    }
  }
  return {
    runs: predictions.runs,
    runsBegun: (start) => predictions.runsBegun(start),
    executionMs: once((task, shape: Predictions.CallShape) => predictions.executionMs(task, shape)),
    processorMs: once((task, shape: Predictions.CallShape) => predictions.processorMs(task, shape)),
    outputBytes: once((task, shape: Predictions.CallShape) => predictions.outputBytes(task, shape)),
    width: once((expand) => predictions.width(expand)),
    transferMs: once((direction, bytes, worker?: Predictions.WorkerShape) =>
      predictions.transferMs(direction, bytes, worker)
    ),
    startMs: once((start, memory) => predictions.startMs(start, memory)),
    invokeMs: once((start?: Predictions.Start) => predictions.invokeMs(start)),
    coordinationMs: once((start?: Predictions.Start) => predictions.coordinationMs(start)),
    warm: once((memory) => predictions.warm(memory)),
    calibration: (planner, start) => predictions.calibration(planner, start)
  }
}
