/**
 * Dynamic fan-out: `each(list, item => …)`.
 *
 * The width is known only when the list has been computed. The callback is called once, when the graph is built, with
 * a symbolic item; the nodes that it makes form a *scope*, which is run once for each element. `each` over the result
 * of an `each` goes on in the same scope, so that element by element flows through both with no barrier between.
 */
import { type Arg, isNode, Node, type Resolved, Scope } from "./Node.ts"

let current: Scope | undefined

/** The scope that nodes are being made in: that of the innermost `each` whose callback is running. */
export const currentScope = (): Scope | undefined => current

/**
 * Runs a subgraph once for each element of a list, and gives the list of its results, in order.
 *
 * ```ts
 * const lengths = each(chapters(book), (chapter) => count(clean(chapter)))   // Node<number[]>
 * const total = sum(lengths)
 * ```
 *
 * The callback may return any nesting of nodes and values, and may call `each` itself. Every task called inside it
 * runs once for each element, whether it uses the item or not. An empty list gives an empty list.
 *
 * @param list a node of a list, or a list with nodes in it
 * @param body called once, with a node that stands for each of the elements
 */
export const each = <T, const Out>(
  list: Arg<ReadonlyArray<T>>,
  body: (item: Node<T>) => Out
): Node<Array<Resolved<Out>>> => {
  const continued = continuedScope(list)
  const scope = continued?.scope ?? new Scope(current, list)
  const item = continued?.item ?? scope.item
  const around = current
  current = scope
  let element: unknown
  try {
    element = body(item as Node<T>)
  } finally {
    current = around
  }
  return new Node("collect", [scope.expand, element], { name: "collect", scope: around, over: scope })
}

/** If `list` was collected in this very place, the scope it came from, and its element as the next item. */
const continuedScope = (list: unknown) => {
  if (!isNode(list) || list.over === undefined || list.scope !== current) return undefined
  const element = list.args[1]
  const item = isNode(element) ? element : new Node("alias", [element], { name: "item", scope: list.over })
  return { scope: list.over, item }
}
