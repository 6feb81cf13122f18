/**
 * What stands for the value of a node whose items are streamed, and which nodes are.
 *
 * A node is streamed if it has the annotation and all its readers are calls beside it, at least one of which some other
 * worker may run. What was asked for as a result, or goes into or out of an `each`, is a list that somebody needs whole.
 */
import { Stream, type StreamOptions } from "@weft/annotations"
import { Codec, Graph, type InstanceId, Plan } from "@weft/core"
import { annotated } from "./Annotated.ts"

/** How many items a stream holds, if the annotation does not say. */
export const BUFFER = 256

/** The value of a node that is complete while its generator still runs. Small; travels like any value. */
export class StreamHandle {
  readonly instance: InstanceId
  constructor(instance: InstanceId) {
    this.instance = instance
  }
}
Codec.register(StreamHandle, {
  name: "@weft/worker/StreamHandle",
  encode: ({ instance }) => instance,
  decode: (instance: InstanceId) => new StreamHandle(instance)
})

/** The nodes whose items are streamed, with the options. */
export const streamedNodes = (graph: Graph.Graph, plan: Plan.Plan): ReadonlyMap<number, StreamOptions> => {
  const found = new Map<number, StreamOptions>()
  for (const [node, options] of annotated(Stream, graph, plan))
    if (options !== false && canStream(graph, plan, node)) found.set(node, options)
  return found
}

const canStream = (graph: Graph.Graph, plan: Plan.Plan, node: number): boolean => {
  const { codes, scopeOf } = graph.columns
  const readers = Graph.neighbours(graph.readers, node)
  const own = Plan.workerOf(plan, node)
  return (
    codes[node]! >= 0 &&
    !graph.targets.has(node) &&
    readers.every((reader) => codes[reader]! >= 0 && scopeOf[reader] === scopeOf[node]) &&
    readers.some((reader) => own === undefined || Plan.workerOf(plan, reader) !== own)
  )
}
