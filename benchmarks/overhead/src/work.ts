/**
 * The functions themselves: weft's tasks, the plain calls and the bare pool all run these.
 */
export const pass = (value: number): number => value

export const add = (a: number, b: number): number => (a + b) % 1_000_003

export const gather = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0)

export const make = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7)

export const length = (bytes: Uint8Array): number => bytes.length

/** Computes, and says for how long, in ms. */
export const burn = (iterations: number): number => {
  const begun = performance.now()
  let sum = 0
  for (let i = 0; i < iterations; i++) sum += Math.sqrt(i)
  return sum < 0 ? 0 : performance.now() - begun
}

/** The functions by name. */
export const functions = { pass, add, gather, make, length, burn }
