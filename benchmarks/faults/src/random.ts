/** Random numbers that a seed repeats. */

export interface Random {
  /** From 0 to less than 1. */
  (): number
  /** A whole number from `low` to `high`, both included. */
  readonly whole: (low: number, high: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

/** Mulberry32. */
export const random = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return Object.assign(next, {
    whole,
    pick: <A>(from: ReadonlyArray<A>): A => {
      if (from.length === 0) throw new Error("there is nothing to pick from")
      return from[whole(0, from.length - 1)]!
    }
  })
}
