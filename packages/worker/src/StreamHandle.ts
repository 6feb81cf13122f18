/**
 * What stands for the value of a node whose items are streamed, and which nodes are.
 *
 * A node is streamed if it has the annotation and all its readers are calls beside it, at least one of which some other
 * worker may run. What was asked for as a result, or goes into or out of an `each`, is a list that somebody needs whole.
 */
import { Stream, type StreamOptions } from "@weft/annotations"
import { Annotation, Codec, Graph, type InstanceId, Plan } from "@weft/core"

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
  for (const node of candidates(graph, plan)) {
    const options = Annotation.read(Stream, Plan.annotationsOf(plan, graph, node), graph.label(node))
    if (options === undefined || options === false || !canStream(graph, plan, node)) continue
    found.set(node, options)
  }
  return found
}

const names = (annotations: ReadonlyArray<Annotation.AnnotationValue> | undefined) =>
  annotations?.some(({ name }) => name === Stream.annotation) ?? false

/** Nodes that may have the annotation, without looking at each of what may be a million. */
const candidates = (graph: Graph.Graph, plan: Plan.Plan): ReadonlySet<number> => {
  const { codes, options, tasks } = graph.columns
  const found = new Set<number>()
  const annotated = new Set(tasks.flatMap((task, index) => (names(task.options.annotations) ? [index] : [])))
  if (annotated.size > 0) for (const [node, code] of codes.entries()) if (annotated.has(code)) found.add(node)
  for (const [node, own] of options) if (names(own.annotations)) found.add(node)
  for (const [node, { annotations }] of plan.nodes) {
    if (annotations?.[Stream.annotation] !== undefined) found.add(node)
  }
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
