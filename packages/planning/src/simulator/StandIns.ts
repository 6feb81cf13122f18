/**
 * Values of a simulated run: stand-ins that know how large they are, and nothing else.
 *
 * As bytes they are empty arrays that say they are longer: stores and workers ask for the length only.
 */
import { Codec } from "@weft/core"

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
export const list = (width: number, bytes: number): ReadonlyArray<StandIn> => {
  const element: StandIn = { standIn: Math.max(0, (bytes - LIST_BYTES) / Math.max(1, width)) }
  return new Array<StandIn>(width).fill(element)
}
