/**
 * Predictions as numbers: measured ones, else what the user says, else {@link DEFAULTS}. Never NaN, never negative.
 */
import { type Graph, Predictions } from "@weft/core"

/** What is counted with where nothing is known. Published figures of AWS Lambda; see `facts` in the README. */
export const DEFAULTS = {
  executionMs: 100,
  outputBytes: 1024,
  width: 8,
  coldMs: 350,
  warmMs: 15,
  invokeMs: 20,
  callMs: 1,
  transferMs: 5,
  /** Of a store in the same network: 60 MB/s. */
  bytesPerMs: 60_000
} as const

export interface Asking {
  /** `undefined` if nothing is known of the task. */
  readonly executionMs: (
    graph: Graph.Graph,
    node: number,
    inputBytes: number,
    memory: number
  ) => number | undefined
  readonly outputBytes: (graph: Graph.Graph, node: number, inputBytes: number) => number
  readonly width: (graph: Graph.Graph, expand: number) => number
  readonly transferMs: (direction: "read" | "write", bytes: number) => number
  readonly startMs: (start: "cold" | "warm", memory: number) => number
  readonly invokeMs: () => number
  readonly callMs: () => number
}

/** Asks predictions for the value that an SLA says. */
export const asking = (predictions: Predictions.Predictions, sla: Predictions.Sla): Asking => {
  const value = (prediction: Predictions.Prediction | undefined, otherwise: number): number => {
    if (prediction === undefined) return otherwise
    const predicted = Predictions.at(prediction, sla)
    return Number.isFinite(predicted) ? Math.max(0, predicted) : otherwise
  }
  return {
    executionMs: (graph, node, inputBytes, memory) => {
      const known = predictions.executionMs(graph.name(node), { inputBytes, memory })
      const ms = value(known, Number.NaN)
      if (!Number.isNaN(ms)) return ms
      return graph.options(node).hints?.executionMs
    },
    outputBytes: (graph, node, inputBytes) =>
      value(
        predictions.outputBytes(graph.name(node), { inputBytes }),
        graph.options(node).hints?.outputBytes ?? DEFAULTS.outputBytes
      ),
    width: (graph, expand) => {
      const list = graph.inputs.list[graph.inputs.start[expand]!]
      const hint = list === undefined ? undefined : graph.options(list).hints?.width
      return value(predictions.width(expand), hint ?? DEFAULTS.width)
    },
    transferMs: (direction, bytes) =>
      value(predictions.transferMs(direction, bytes), DEFAULTS.transferMs + bytes / DEFAULTS.bytesPerMs),
    startMs: (start, memory) =>
      value(predictions.startMs(start, memory), start === "cold" ? DEFAULTS.coldMs : DEFAULTS.warmMs),
    invokeMs: () => value(predictions.invokeMs(), DEFAULTS.invokeMs),
    callMs: () => value(predictions.coordinationMs(), DEFAULTS.callMs)
  }
}
