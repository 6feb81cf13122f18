/**
 * All nodes on one worker: nothing is ever sent, nothing runs at the same time.
 */
import type { Planner } from "@weft/core"
import * as Effect from "effect/Effect"
import { type BaselineOptions, baseline } from "./Baseline.ts"

/**
 * All on one worker.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const single = (options: Omit<BaselineOptions, "workers"> = {}): Planner.Planner =>
  baseline("single", { ...options, workers: 1 }, ({ graph }) => Effect.succeed(new Int32Array(graph.size)))
