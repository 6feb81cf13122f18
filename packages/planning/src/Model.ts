/**
 * The timing model: what a planner counts with, once predictions are asked and lists are unrolled. Plain numbers in typed
 * arrays, so that planners can ask a million times.
 */
import { Graph, type Predictions } from "@weft/core"
import * as Predicted from "./Predicted.ts"
import * as Unrolled from "./Unrolled.ts"

/** What is known of where workers run. */
export interface Environment {
  /** How many workers can run at the same moment. Default 1,000, the limit of a new AWS account. */
  readonly concurrency?: number
  /** How many cores they share; absent where each has its own, as on AWS. */
  readonly cores?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 10,000. */
  readonly idleMs?: number
  /** Values of up to so many encoded bytes travel with completions and invocations. Default 1 MiB. */
  readonly inlineBytes?: number
  /** Memory sizes that workers may have, in MiB, ascending. Default: {@link MEMORY_SIZES}. */
  readonly memorySizes?: ReadonlyArray<number>
}

export interface ModelOptions {
  /** Which value of each distribution is counted with. Default `"average"`. */
  readonly sla?: Predictions.Sla
  readonly environment?: Environment
}

/** Memory sizes that planners choose from, in MiB: from the least that Node.js needs to six cores on AWS Lambda. */
export const MEMORY_SIZES: ReadonlyArray<number> = [256, 512, 1024, 1769, 3008, 5120, 10_240]

/** One whole core on AWS Lambda, in MiB of memory. */
export const CORE_MIB = 1769

export interface Model {
  readonly graph: Graph.Graph
  readonly unrolled: Unrolled.Unrolled
  readonly environment: Required<Omit<Environment, "cores">> & Pick<Environment, "cores">
  readonly sla: Predictions.Sla
  readonly predictions: Predictions.Predictions
  /** Encoded bytes of the value of one instance, by node. */
  readonly outputBytes: Float64Array
  /** Encoded bytes of all inputs of one instance, by node. */
  readonly inputBytes: Float64Array
  /** How long one instance takes to execute with so much memory, by node, in ms. Made once for each memory size. */
  readonly executionMs: (memory: number) => Float64Array
  /** How long getting (putting) so many encoded bytes takes, in ms. */
  readonly readMs: (bytes: number) => number
  readonly writeMs: (bytes: number) => number
  /** From the moment an invocation is sent until its worker begins, in ms. */
  readonly startMs: (start: "cold" | "warm", memory: number) => number
  /** How long sending an invocation keeps the sender, in ms. */
  readonly invokeMs: number
  /** One call of coordination, in ms. */
  readonly callMs: number
  /** Tasks that nothing is known of, not even a hint. */
  readonly unknown: ReadonlySet<string>
}

/** Asks predictions for all that a graph needs. */
export const make = (
  graph: Graph.Graph,
  predictions: Predictions.Predictions,
  options: ModelOptions = {}
): Model => {
  const sla = options.sla ?? "average"
  const environment = {
    concurrency: 1000,
    idleMs: 10_000,
    inlineBytes: 2 ** 20,
    memorySizes: MEMORY_SIZES,
    ...options.environment
  }
  const ask = Predicted.asking(predictions, sla)
  const unknown = new Set<string>()
  const unrolled = Unrolled.make(graph, (expand) => ask.width(graph, expand))
  const { inputBytes, outputBytes } = sizes(unrolled, ask)
  const durations = new Map<number, Float64Array>()
  const executionMs = (memory: number): Float64Array => {
    const known = durations.get(memory)
    if (known !== undefined) return known
    const made = new Float64Array(graph.size)
    for (let id = 0; id < graph.size; id++) {
      if (graph.kind(id) !== "call") continue
      const ms = ask.executionMs(graph, id, inputBytes[id]!, memory)
      if (ms === undefined) unknown.add(graph.name(id))
      made[id] = ms ?? Predicted.DEFAULTS.executionMs
    }
    durations.set(memory, made)
    return made
  }
  executionMs(environment.memorySizes[0]!)
  return {
    graph,
    unrolled,
    environment,
    sla,
    predictions,
    inputBytes,
    outputBytes,
    executionMs,
    readMs: (bytes) => ask.transferMs("read", bytes),
    writeMs: (bytes) => ask.transferMs("write", bytes),
    startMs: ask.startMs,
    invokeMs: ask.invokeMs(),
    callMs: ask.callMs(),
    unknown
  }
}

/** Values' sizes, from the leaves of the graph on: what a task returns depends on what it is given. */
const sizes = ({ count, graph }: Unrolled.Unrolled, ask: Predicted.Asking) => {
  const { codes, scopeOf, scopes } = graph.columns
  const inputBytes = new Float64Array(graph.size)
  const outputBytes = new Float64Array(graph.size)
  const widthOf = (scope: number) => {
    const { expand, parent } = scopes[scope]!
    const opened = count[expand!]!
    const inside = count.find((_, id) => scopeOf[id] === scope && codes[id] !== Graph.code.item) ?? 0
    return opened === 0 || parent === undefined ? 0 : inside / opened
  }
  const widths = scopes.map((_, scope) => (scope === 0 ? 1 : widthOf(scope)))
  for (let id = 0; id < graph.size; id++) {
    let bytes = 0
    for (let i = graph.inputs.start[id]!; i < graph.inputs.start[id + 1]!; i++) {
      const input = graph.inputs.list[i]!
      const gathers = codes[id] === Graph.code.collect && scopeOf[input] === graph.over(id)
      bytes += outputBytes[input]! * (gathers ? widths[scopeOf[input]!]! : 1)
    }
    inputBytes[id] = bytes
    switch (codes[id]) {
      case Graph.code.collect:
      // What opens a list passes its elements on.
      case Graph.code.expand:
        outputBytes[id] = bytes
        break
      case Graph.code.gate:
        break
      case Graph.code.item: {
        const scope = scopeOf[id]!
        outputBytes[id] = outputBytes[scopes[scope]!.expand!]! / Math.max(1, widths[scope]!)
        break
      }
      default:
        outputBytes[id] = ask.outputBytes(graph, id, bytes)
    }
  }
  return { inputBytes, outputBytes }
}
