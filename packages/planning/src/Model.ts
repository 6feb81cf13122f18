/**
 * The timing model: what a planner counts with, once predictions are asked and lists are unrolled. Plain numbers in typed
 * arrays, so that planners can ask a million times.
 */
import { Graph, Predictions } from "@weft/core"
import * as Environments from "./Environment.ts"
import * as Predicted from "./Predicted.ts"
import * as Unrolled from "./Unrolled.ts"

export { CORE_MIB, type Environment, MEMORY_SIZES } from "./Environment.ts"

export interface ModelOptions {
  /** Which value of each distribution is counted with. Default `"average"`. */
  readonly sla?: Predictions.Sla
  readonly environment?: Environments.Environment
}

export interface Model {
  readonly graph: Graph.Graph
  readonly unrolled: Unrolled.Unrolled
  readonly environment: Environments.Resolved
  readonly sla: Predictions.Sla
  readonly predictions: Predictions.Predictions
  /** Encoded bytes of the value of one instance, by node; for what opens a list those of the whole list. */
  readonly outputBytes: Float64Array
  /** Encoded bytes of all inputs of one instance, by node. */
  readonly inputBytes: Float64Array
  /** How long one instance takes to execute with so much memory, by node, in ms. Made once for each memory size. */
  readonly executionMs: (memory: number) => Float64Array
  /** How much of {@link executionMs} is computing, by node, in ms: what takes longer where cores are shared. */
  readonly computingMs: (memory: number) => Float64Array
  /** How long a worker with so much memory takes to get (put) so many encoded bytes, in ms. */
  readonly readMs: (bytes: number, memory: number) => number
  readonly writeMs: (bytes: number, memory: number) => number
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
  const environment = Environments.resolve(options.environment)
  const ask = Predicted.asking(predictions, environment, (one) => Predictions.at(one, sla))
  const unknown = new Set<string>()
  const unrolled = Unrolled.make(graph, (expand) => ask.width(graph, expand))
  const { inputBytes, outputBytes } = sizes(unrolled, ask)
  const share = (memory: number) => Environments.coreShare(environment, memory)
  const executionMs = byMemory(graph, (id, memory) => {
    const ms = ask.executionMs(graph, id, { inputBytes: inputBytes[id]!, memory, share: share(memory) })
    if (ms === undefined) unknown.add(graph.name(id))
    return ms ?? environment.figures.executionMs
  })
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
    computingMs: byMemory(graph, (id, memory) => {
      const whole = executionMs(memory)[id]!
      const processor = ask.processorMs(graph, id, { inputBytes: inputBytes[id]!, memory })
      return processor === undefined ? whole : Math.min(whole, processor / share(memory))
    }),
    readMs: transfers((bytes, memory) => ask.transferMs("read", bytes, memory)),
    writeMs: transfers((bytes, memory) => ask.transferMs("write", bytes, memory)),
    startMs: startOf(ask),
    invokeMs: ask.invokeMs(),
    callMs: ask.callMs(),
    unknown
  }
}

/** Durations of all calls, made once for each memory size. */
const byMemory = (graph: Graph.Graph, of: (node: number, memory: number) => number) => {
  const made = new Map<number, Float64Array>()
  return (memory: number): Float64Array => {
    let all = made.get(memory)
    if (all === undefined) {
      all = new Float64Array(graph.size)
      for (let id = 0; id < graph.size; id++) if (graph.kind(id) === "call") all[id] = of(id, memory)
      made.set(memory, all)
    }
    return all
  }
}

/** The same function; few different numbers are asked for many times. */
const remembered = <A>(of: (key: number) => A) => {
  const known = new Map<number, A>()
  return (key: number): A => {
    let value = known.get(key)
    if (value === undefined) {
      value = of(key)
      known.set(key, value)
    }
    return value
  }
}

/** The same for each memory size. */
const transfers = (of: (bytes: number, memory: number) => number) => {
  const bySize = remembered((memory) => remembered((bytes) => of(bytes, memory)))
  return (bytes: number, memory: number): number => bySize(memory)(bytes)
}

const startOf = (ask: Predicted.Asking): Model["startMs"] => {
  const cold = remembered((memory) => ask.startMs("cold", memory))
  const warm = remembered((memory) => ask.startMs("warm", memory))
  return (start, memory) => (start === "cold" ? cold : warm)(memory)
}

/** Values' sizes, from the leaves of the graph on: what a task returns depends on what it is given. */
const sizes = ({ graph, widths }: Unrolled.Unrolled, ask: Predicted.Asking) => {
  const { codes, scopeOf, scopes } = graph.columns
  const inputBytes = new Float64Array(graph.size)
  const outputBytes = new Float64Array(graph.size)
  for (let id = 0; id < graph.size; id++) {
    let bytes = 0
    const over = codes[id] === Graph.code.collect ? graph.over(id) : undefined
    for (let i = graph.inputs.start[id]!; i < graph.inputs.start[id + 1]!; i++) {
      const input = graph.inputs.list[i]!
      if (codes[id] === Graph.code.gate) continue
      if (over !== undefined && scopeOf[input] === over) bytes += outputBytes[input]! * widths[over]!
      // Who refers to what opened a list asks how long it is.
      else bytes += codes[input] === Graph.code.expand ? LENGTH_BYTES : outputBytes[input]!
    }
    inputBytes[id] = bytes
    switch (codes[id]) {
      case Graph.code.collect:
      // What opens a list passes its elements on.
      case Graph.code.expand:
        outputBytes[id] = bytes
        break
      case Graph.code.gate:
        outputBytes[id] = LENGTH_BYTES
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

/** Encoded bytes of the length of a list. */
export const LENGTH_BYTES = 5
