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
  /**
   * How long one instance takes to execute with so much memory, by node, in ms. Made once for each memory size.
   *
   * @param start what its worker begins in. Default: warm if any environment of that size is
   */
  readonly executionMs: (memory: number, start?: Predictions.Start) => Float64Array
  /** How much of {@link executionMs} is computing, by node, in ms: what takes longer where cores are shared. */
  readonly computingMs: (memory: number, start?: Predictions.Start) => Float64Array
  /**
   * How long a worker with so much memory takes to get (put) so many encoded bytes, in ms.
   *
   * @param start default: warm, as all transfers but a worker's first
   */
  readonly readMs: (bytes: number, memory: number, start?: Predictions.Start) => number
  readonly writeMs: (bytes: number, memory: number, start?: Predictions.Start) => number
  /** From the moment an invocation is sent until its worker begins, in ms. */
  readonly startMs: (start: Predictions.Start, memory: number) => number
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
  const begins = (memory: number) => Predicted.beginsAs(predictions, memory)
  // A run begins cold of whose memory sizes no environment is warm.
  const start = environment.memorySizes.some((memory) => begins(memory) === "warm") ? "warm" : "cold"
  const executionMs = bySite(graph, begins, (id, site) => {
    const shape = { ...site, inputBytes: inputBytes[id]!, share: share(site.memory) }
    const ms = ask.executionMs(graph, id, shape)
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
    computingMs: bySite(graph, begins, (id, { memory, start }) => {
      const whole = executionMs(memory, start)[id]!
      const processor = ask.processorMs(graph, id, { inputBytes: inputBytes[id]!, memory })
      return processor === undefined ? whole : Math.min(whole, processor / share(memory))
    }),
    readMs: transfers((bytes, site) => ask.transferMs("read", bytes, site)),
    writeMs: transfers((bytes, site) => ask.transferMs("write", bytes, site)),
    startMs: startOf(ask),
    invokeMs: ask.invokeMs(start),
    callMs: ask.callMs(start),
    unknown
  }
}

type Begins = (memory: number) => Predictions.Start

/** Durations of all calls, made once for each memory size and start. */
const bySite = (
  graph: Graph.Graph,
  begins: Begins,
  of: (node: number, site: Predicted.Site) => number
): Model["executionMs"] => {
  const made = { cold: new Map<number, Float64Array>(), warm: new Map<number, Float64Array>() }
  return (memory, start = begins(memory)) => {
    let all = made[start].get(memory)
    if (all === undefined) {
      all = new Float64Array(graph.size)
      const site = { memory, start }
      for (let id = 0; id < graph.size; id++) if (graph.kind(id) === "call") all[id] = of(id, site)
      made[start].set(memory, all)
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

/** The same for each memory size and start. */
const transfers = (of: (bytes: number, site: Predicted.Site) => number): Model["readMs"] => {
  const bySize = (start: Predictions.Start) =>
    remembered((memory) => remembered((bytes) => of(bytes, { memory, start })))
  const known = { cold: bySize("cold"), warm: bySize("warm") }
  return (bytes, memory, start = "warm") => known[start](memory)(bytes)
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
