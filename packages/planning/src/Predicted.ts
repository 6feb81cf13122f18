/**
 * Predictions as numbers: measured ones, else what the user says, else {@link DEFAULTS}. Never NaN, never negative.
 */
import { type Graph, Predictions } from "@weft/core"

/** What is counted with where nothing is known: usual figures of AWS Lambda with a store in the same network. */
export const DEFAULTS = {
  executionMs: 100,
  outputBytes: 1024,
  width: 8,
  coldMs: 350,
  warmMs: 15,
  invokeMs: 20,
  callMs: 1,
  transferMs: 5,
  /** 60 MB/s. */
  bytesPerMs: 60_000
} as const

export interface Asking {
  /** `undefined` if nothing is known of the task. `share`: that of a core which comes with the memory. */
  readonly executionMs: (
    graph: Graph.Graph,
    node: number,
    shape: { readonly inputBytes: number; readonly memory: number; readonly share: number }
  ) => number | undefined
  /** How much of that is computing, at the speed of a whole core; `undefined` if it is not known. */
  readonly processorMs: (graph: Graph.Graph, node: number, shape: Predictions.CallShape) => number | undefined
  readonly outputBytes: (graph: Graph.Graph, node: number, inputBytes: number) => number
  readonly width: (graph: Graph.Graph, expand: number) => number
  readonly transferMs: (direction: "read" | "write", bytes: number) => number
  readonly startMs: (start: "cold" | "warm", memory: number) => number
  readonly invokeMs: () => number
  readonly callMs: () => number
}

/** Asks predictions for the value that `of` takes from each distribution: by default what an SLA says. */
export const asking = (
  predictions: Predictions.Predictions,
  sla: Predictions.Sla,
  of: (prediction: Predictions.Prediction) => number = (prediction) => Predictions.at(prediction, sla)
): Asking => {
  const known = (prediction: Predictions.Prediction | undefined): number | undefined => {
    if (prediction === undefined) return undefined
    const predicted = of(prediction)
    return Number.isFinite(predicted) ? Math.max(0, predicted) : undefined
  }
  return {
    executionMs: (graph, node, { inputBytes, memory, share }) => {
      const measured = known(predictions.executionMs(graph.name(node), { inputBytes, memory }))
      if (measured !== undefined) return measured
      // Hints are for a whole core.
      const hint = graph.options(node).hints?.executionMs
      return hint === undefined ? undefined : hint / share
    },
    processorMs: (graph, node, shape) => known(predictions.processorMs(graph.name(node), shape)),
    outputBytes: (graph, node, inputBytes) =>
      known(predictions.outputBytes(graph.name(node), { inputBytes })) ??
      graph.options(node).hints?.outputBytes ??
      DEFAULTS.outputBytes,
    width: (graph, expand) => {
      const list = graph.inputs.list[graph.inputs.start[expand]!]
      const hint = list === undefined ? undefined : graph.options(list).hints?.width
      return known(predictions.width(expand)) ?? hint ?? DEFAULTS.width
    },
    transferMs: (direction, bytes) =>
      known(predictions.transferMs(direction, bytes)) ?? DEFAULTS.transferMs + bytes / DEFAULTS.bytesPerMs,
    startMs: (start, memory) =>
      known(predictions.startMs(start, memory)) ?? (start === "cold" ? DEFAULTS.coldMs : DEFAULTS.warmMs),
    invokeMs: () => known(predictions.invokeMs()) ?? DEFAULTS.invokeMs,
    callMs: () => known(predictions.coordinationMs()) ?? DEFAULTS.callMs
  }
}
