/** What the tasks compute, as plain functions: the expected result is computed with them. */
import { random } from "./random.ts"

/** A number that depends on all of its inputs, and on their order. */
export const mix = (salt: number, inputs: ReadonlyArray<number>): number =>
  inputs.reduce((hash, input) => Math.imul(hash ^ input, 0x01000193) >>> 0, (salt ^ 0x811c9dc5) >>> 0)

/** So many bytes, all of which depend on the input. */
export const blob = (size: number, input: number): Uint8Array => {
  const next = random(input)
  const words = Uint32Array.from({ length: size / 4 }, () => Math.floor(next() * 2 ** 32))
  return new Uint8Array(words.buffer)
}

/** A number that depends on all bytes. */
export const digest = (bytes: Uint8Array): number =>
  bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5)

/** So many numbers. */
export const numbers = (width: number, input: number): ReadonlyArray<number> =>
  Array.from({ length: width }, (_, i) => mix(i, [input]))
