/**
 * Chance from a seed. Each decision has a key of its own, so that the order in which things happen does not change what
 * is decided: with the same seed the tenth event for a function is lost, or not, however many are on their way.
 */
import { hash } from "node:crypto"

/** Decisions from one seed. */
export interface Chance {
  /** A number in [0, 1) for a key. */
  readonly number: (...key: ReadonlyArray<string | number>) => number
}

/** The decisions of a seed. */
export const make = (seed: string | number): Chance => ({
  number: (...key) => hash("sha256", [seed, ...key].join("\0"), "buffer").readUIntBE(0, 6) / 2 ** 48
})
