/**
 * A graph as people see it: calls, and where each `each` opens (`expand`) and ends (`collect`).
 *
 * Gates are left out: they say what is waited for, not what is read. An item is not shown either; what reads it reads
 * from the place where its `each` opens.
 */
import { Graph } from "@weft/core"

/** Which node stands for a node in the picture: itself, for an item its expand, for a gate nothing (-1). */
export const shownAs = (graph: Graph.Graph, id: number): number => {
  const { codes, scopeOf, scopes } = graph.columns
  if (codes[id] === Graph.code.gate) return -1
  return codes[id] === Graph.code.item ? scopes[scopeOf[id]!]!.expand! : id
}

/** For each node the scope that it is shown in: expand and collect at the border of the body that they belong to. */
export const scopesShown = (graph: Graph.Graph): Int32Array => {
  const opened = new Map(graph.columns.scopes.map((scope, index) => [scope.expand, index]))
  return graph.columns.scopeOf.map((scope, id) => {
    const kind = graph.kind(id)
    if (kind === "expand") return opened.get(id) ?? scope
    return kind === "collect" ? (opened.get(expandOf(graph, id)) ?? scope) : scope
  })
}

/** For each node the longest path to it from a source, in steps; 0 for sources. */
export const levels = (graph: Graph.Graph): Int32Array => {
  const result = new Int32Array(graph.size)
  for (let id = 0; id < graph.size; id++) {
    arrowsTo(graph, id, (from) => {
      result[id] = Math.max(result[id]!, result[from]! + 1)
    })
  }
  return result
}

/**
 * The arrows to a node, each from another one, in ascending order.
 *
 * @param found called with each arrow's beginning, and whether a value is read: what uses nothing from inside its
 *   body still runs after the body's beginning, once for each element
 */
export const arrowsTo = (
  graph: Graph.Graph,
  id: number,
  found: (from: number, data: boolean) => void
): void => {
  if (shownAs(graph, id) !== id) return
  const { scopeOf, scopes } = graph.columns
  const collects = graph.kind(id) === "collect"
  const body = collects ? graph.over(id) : scopeOf[id]!
  const opens = collects ? expandOf(graph, id) : scopes[body]!.expand
  let fromBody = opens === undefined
  for (let i = graph.inputs.start[id]!; i < graph.inputs.start[id + 1]!; i++) {
    const input = graph.inputs.list[i]!
    if (input === opens) continue
    fromBody ||= scopeOf[input] === body
    found(shownAs(graph, input), true)
  }
  if (!fromBody) found(opens!, false)
}

const expandOf = (graph: Graph.Graph, collect: number) => (graph.columns.args[collect]![0] as Graph.Ref).node
