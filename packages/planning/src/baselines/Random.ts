/**
 * Random placement: each node on any of the workers.
 */
import type { Planner } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type BaselineOptions, baseline } from "./Baseline.ts"

export interface RandomOptions extends BaselineOptions {
  /** The same seed places the same. Default 0. */
  readonly seed?: number
}

/**
 * Random placement.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const random = (options: RandomOptions = {}): Planner.Planner => {
  const { seed = 0, ...rest } = options
  if (!Number.isInteger(seed)) throw new RangeError(`seed is ${seed}; it must be a whole number`)
  return baseline("random", rest, ({ graph }, _, workers) =>
    Effect.gen(function* () {
      const worker = new Int32Array(graph.size)
      for (let id = 0; id < graph.size; id++) worker[id] = yield* Random.nextIntBetween(0, workers - 1)
      return worker
    }).pipe(Random.withSeed(seed))
  )
}
