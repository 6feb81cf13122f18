/**
 * From a node's arguments, as the graph has them, to what its function gets.
 */
import { Flow, Graph, Instance, type InstanceId, Nesting } from "@weft/core"

/** Where values come from. */
export interface Source {
  readonly value: (instance: InstanceId) => unknown
  readonly constant: (index: number) => unknown
}

/**
 * The arguments of an instance: of a call the function's; of an expand `[list]`; of a gate `[width]`; of a collect
 * `[elements]`.
 *
 * @param width for a collect, how many elements there are
 */
export const resolve = (
  graph: Graph.Graph,
  instance: InstanceId,
  width: number,
  source: Source
): ReadonlyArray<unknown> => {
  const id = Instance.nodeOf(instance)
  const row = graph.columns.args[id]!
  const indices = Instance.indicesOf(instance)
  if (graph.columns.codes[id] === Graph.code.gate) return [fill(graph, row[0], indices, source)]
  if (graph.columns.codes[id] !== Graph.code.collect)
    return row.map((arg) => fill(graph, arg, indices, source))
  return [Array.from({ length: width }, (_, k) => fill(graph, row[1], [...indices, k], source))]
}

/** A nesting with values in place of references, as seen from `indices`. */
export const fill = (
  graph: Graph.Graph,
  nesting: unknown,
  indices: Instance.Indices,
  source: Source
): unknown => {
  const leaf = (at: unknown): unknown => {
    if (at instanceof Graph.Ref) {
      return source.value(
        indices.length === 0 ? at.node : Instance.make(at.node, indices.slice(0, Flow.depth(graph, at.node)))
      )
    }
    return at instanceof Graph.Const ? source.constant(at.index) : at
  }
  return Nesting.isContainer(nesting) ? Nesting.map(nesting, { leaf }) : leaf(nesting)
}

/** The indices of the constants among a node's arguments. */
export const constants = (graph: Graph.Graph, id: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  const leaf = (at: unknown) => {
    if (at instanceof Graph.Const) found.push(at.index)
    return at
  }
  for (const arg of graph.columns.args[id]!) Nesting.map(arg, { leaf })
  return found
}
