/**
 * Small graphs with predictions that are exact: for tests of planners, and benchmarks that run nothing.
 */
import { type Graph, GraphBuilder, type Node, Predictions, task } from "@weft/core"

/** What a call of a task takes and gives. */
export interface Costs {
  /** On a whole core, in ms. */
  readonly ms: number
  /** The share of `ms` that is computing, and takes longer with less memory. Default 1. */
  readonly computing?: number
  /** Encoded bytes of the value. Default 100. */
  readonly bytes?: number
}

/** What everything else takes. */
export interface Surroundings {
  readonly coldMs?: number
  readonly warmMs?: number
  readonly invokeMs?: number
  readonly callMs?: number
  /** Of transfers: a fixed part, and bytes for each further ms. */
  readonly transferMs?: number
  readonly bytesPerMs?: number
  /** How long lists are. */
  readonly width?: number
  /** Warm environments of each memory size. */
  readonly warm?: number
}

/** One whole core on AWS Lambda, in MiB. */
const CORE_MIB = 1769

/** Memory below one core makes computing slower in proportion; more makes nothing faster. */
export const knowing = (
  tasks: ReadonlyMap<string, Costs>,
  surroundings: Surroundings = {}
): Predictions.Predictions => {
  const { callMs = 1, coldMs = 350, invokeMs = 20, warmMs = 15 } = surroundings
  const { bytesPerMs = 60_000, transferMs = 5, warm = 0, width = 3 } = surroundings
  return {
    ...Predictions.none,
    runs: 5,
    runsBegun: () => 5,
    executionMs: (name, { memory = CORE_MIB }) => {
      const known = tasks.get(name)
      if (known === undefined) return undefined
      const { computing = 1, ms } = known
      return exactly(ms * (1 - computing + computing * Math.max(1, CORE_MIB / memory)))
    },
    outputBytes: (name) => {
      const known = tasks.get(name)
      return known && exactly(known.bytes ?? 100)
    },
    width: () => exactly(width),
    transferMs: (_, bytes) => exactly(transferMs + bytes / bytesPerMs),
    startMs: (start) => exactly(start === "cold" ? coldMs : warmMs),
    invokeMs: () => exactly(invokeMs),
    coordinationMs: () => exactly(callMs),
    warm: () => warm
  }
}

/** A prediction without spread. */
export const exactly = (value: number): Predictions.Prediction => ({
  mean: value,
  percentile: () => value,
  samples: 5,
  basis: "measured",
  extrapolation: 1
})

/** A node of a graph that is written by hand. */
export interface Written extends Costs {
  /** The names of the nodes that it reads. */
  readonly reads?: ReadonlyArray<string>
  /** The memory that its options ask for, in MiB. */
  readonly memory?: number
}

export interface World {
  readonly graph: Graph.Graph
  readonly predictions: Predictions.Predictions
  /** The number of a node. */
  readonly id: (name: string) => number
}

/** A graph whose every node is a task of its own. Nodes come after what they read. */
export const world = (nodes: Readonly<Record<string, Written>>, surroundings?: Surroundings): World => {
  const made = new Map<string, Node<number>>()
  const read = new Set<string>()
  for (const [name, { memory, reads = [] }] of Object.entries(nodes)) {
    const options = memory === undefined ? {} : { memory }
    const run = task(name, (inputs: ReadonlyArray<number>) => inputs.length, options)
    for (const one of reads) read.add(one)
    made.set(name, run(reads.map((one) => made.get(one)!)))
  }
  const { graph } = GraphBuilder.make(
    [...made].filter(([name]) => !read.has(name)).map(([, node]) => node),
    "world"
  )
  const ids = new Map(Array.from({ length: graph.size }, (_, id) => [graph.name(id), id]))
  return {
    graph,
    predictions: knowing(new Map(Object.entries(nodes)), surroundings),
    id: (name) => ids.get(name)!
  }
}
