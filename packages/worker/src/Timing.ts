/**
 * How a worker measures time, and lets its thread hear of other things between two tasks. A simulation gives another.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Turn from "./Turn.ts"

export interface Timing {
  /** The time in ms since the epoch, with fractions; does not go back. */
  readonly now: () => number
  /** What to wait for before the next task, if anything. */
  readonly turn: () => Effect.Effect<void> | undefined
}

const origin = performance.timeOrigin

/** This process's time and event loop. */
const real: Timing = {
  now: () => origin + performance.now(),
  turn: () => (Turn.isDue() ? Turn.take : undefined)
}

export const Timing: Context.Reference<Timing> = Context.Reference("@weft/worker/Timing", {
  defaultValue: () => real
})
