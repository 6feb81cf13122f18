/**
 * Instances: the ids of what is actually run.
 *
 * A node outside every `each` is run once, and its instance id is the node's id, a number. A node inside is run once
 * for each element (of each enclosing list); its instance id is a string of the node's id and the element's index in
 * each enclosing scope, outermost first: `17[3]`, `17[3,5]`. Coordination and stores treat both as opaque keys.
 */
export type InstanceId = number | string

/** The element's index in each enclosing scope, outermost first; empty outside every `each`. */
export type Indices = ReadonlyArray<number>

const NONE: Indices = []

/** The id of node `node` at `indices`. */
export const make = (node: number, indices: Indices): InstanceId =>
  indices.length === 0 ? node : `${node}[${indices.join()}]`

/** The node's id. */
export const nodeOf = (instance: InstanceId): number =>
  typeof instance === "number" ? instance : Number(instance.slice(0, instance.indexOf("[")))

/** The indices. */
export const indicesOf = (instance: InstanceId): Indices => {
  if (typeof instance === "number") return NONE
  const inner = instance.slice(instance.indexOf("[") + 1, -1)
  return inner.includes(",") ? inner.split(",").map(Number) : [Number(inner)]
}

/** Shows an instance as people know it: `blur#17[3]`. */
export const label = (name: string, instance: InstanceId): string => `${name}#${instance}`
