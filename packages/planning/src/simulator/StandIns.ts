/**
 * Values of a simulated run: stand-ins that know how large they are, and nothing else.
 *
 * As bytes they are empty arrays that say they are longer: stores and workers ask for the length only.
 */
import { Codec, type Graph } from "@weft/core"
import type { Model } from "../Model.ts"

/** A value of so many encoded bytes. */
export interface StandIn {
  readonly standIn: number
}

const isStandIn = (value: unknown): value is StandIn =>
  typeof value === "object" && value !== null && "standIn" in value

/** Beyond the elements of a list. */
const LIST_BYTES = 3

const sizeOf = (value: unknown): number => {
  if (isStandIn(value)) return value.standIn
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + sizeOf(one), LIST_BYTES)
  return Codec.encode(value, ["value"]).length
}

const values = new WeakMap<Uint8Array, { readonly value: unknown }>()

/** How a simulated worker encodes and decodes: see `ValueCodec` in `@weft/worker`. */
export const codec = {
  encode: (value: unknown): Uint8Array => {
    const bytes = new Uint8Array(0)
    Object.defineProperty(bytes, "length", { value: Math.round(sizeOf(value)) })
    values.set(bytes, { value })
    return bytes
  },
  decode: (bytes: Uint8Array): unknown => values.get(bytes)?.value
}

/** A list of so many elements that has so many bytes in all. */
const list = (width: number, bytes: number): ReadonlyArray<StandIn> => {
  const element: StandIn = { standIn: Math.max(0, (bytes - LIST_BYTES) / Math.max(1, width)) }
  return new Array<StandIn>(width).fill(element)
}

/** A value of so many bytes; a list where an `each` opens it. */
export const of = (model: Model, node: number, bytes: number): unknown => {
  const { graph, unrolled } = model
  const scope = openedBy(graph, node)
  if (scope === undefined) return { standIn: bytes } satisfies StandIn
  const width = unrolled.widths[scope]!
  const { item } = graph.columns.scopes[scope]!
  if (item === undefined || openedBy(graph, item) === undefined) return list(width, bytes)
  return Array.from({ length: width }, () => of(model, item, bytes / Math.max(1, width)))
}

/** The scope whose list is the node's value. */
const openedBy = (graph: Graph.Graph, node: number): number | undefined => {
  for (let e = graph.readers.start[node]!; e < graph.readers.start[node + 1]!; e++) {
    const reader = graph.readers.list[e]!
    if (graph.kind(reader) !== "expand") continue
    return graph.columns.scopes.findIndex(({ expand }) => expand === reader)
  }
  return undefined
}
