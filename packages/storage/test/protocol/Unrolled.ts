/**
 * A graph with all its lists' lengths known, written out instance by instance. Made from the graph's edges alone,
 * without `Flow`, so that what `Flow` and a store make of them can be compared with it.
 */
import { type Graph, Instance, type InstanceId } from "@weft/core"

type Indices = ReadonlyArray<number>

export interface Unrolled {
  /** Everything that may be run. */
  readonly instances: ReadonlyArray<InstanceId>
  /** What must be complete before an instance is ready. */
  readonly parents: ReadonlyMap<InstanceId, ReadonlyArray<InstanceId>>
  /** Whose values it reads, items' among them. A gate counts as a reader of what it lets in. */
  readonly reads: ReadonlyMap<InstanceId, ReadonlyArray<InstanceId>>
  /** Who reads a value. */
  readonly readers: ReadonlyMap<InstanceId, ReadonlyArray<InstanceId>>
  readonly targets: ReadonlyArray<InstanceId>
  readonly widthOf: (expand: InstanceId) => number
}

/** @param lengthOf the length of the list of an expand */
export const unroll = (graph: Graph.Graph, lengthOf: (expand: InstanceId) => number): Unrolled => {
  const { scopeOf, scopes } = graph.columns
  const depth = (scope: number): number => (scope === 0 ? 0 : 1 + depth(scopes[scope]!.parent))
  const widths = new Map<InstanceId, number>()
  const widthOf = (expand: InstanceId) => {
    const known = widths.get(expand) ?? lengthOf(expand)
    widths.set(expand, known)
    return known
  }
  /** All runs through a scope. */
  const places = new Map<number, ReadonlyArray<Indices>>([[0, [[]]]])
  const placesOf = (scope: number): ReadonlyArray<Indices> => {
    const known = places.get(scope)
    if (known !== undefined) return known
    const { expand, parent } = scopes[scope]!
    const all = placesOf(parent).flatMap((outer) =>
      Array.from({ length: widthOf(Instance.make(expand!, outer)) }, (_, k) => [...outer, k])
    )
    places.set(scope, all)
    return all
  }
  /** The instances of `node` that one at `indices` has to do with: its own, the one around it, or all that it gathers. */
  const seen = (node: number, indices: Indices, over: number | undefined): ReadonlyArray<InstanceId> => {
    const scope = scopeOf[node]!
    if (scope !== over) return [Instance.make(node, indices.slice(0, depth(scope)))]
    const width = widthOf(Instance.make(scopes[over]!.expand!, indices))
    return Array.from({ length: width }, (_, k) => Instance.make(node, [...indices, k]))
  }

  const instances: Array<InstanceId> = []
  const parents = new Map<InstanceId, ReadonlyArray<InstanceId>>()
  const reads = new Map<InstanceId, ReadonlyArray<InstanceId>>()
  const readers = new Map<InstanceId, Array<InstanceId>>()
  for (let node = 0; node < graph.size; node++) {
    const kind = graph.kind(node)
    if (kind === "item") continue
    const over = kind === "collect" ? graph.over(node) : undefined
    const row = (adjacency: Graph.Adjacency) =>
      Array.from(adjacency.list.subarray(adjacency.start[node]!, adjacency.start[node + 1]!))
    for (const indices of placesOf(scopeOf[node]!)) {
      const instance = Instance.make(node, indices)
      instances.push(instance)
      parents.set(
        instance,
        row(graph.parents).flatMap((parent) => seen(parent, indices, over))
      )
      const inputs = row(graph.inputs).flatMap((input) => seen(input, indices, over))
      reads.set(instance, inputs)
      for (const input of inputs) readers.set(input, [...(readers.get(input) ?? []), instance])
    }
  }
  return { instances, parents, reads, readers, targets: [...graph.targets], widthOf }
}
