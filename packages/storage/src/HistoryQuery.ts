/**
 * What histories are asked: which runs, what to remove; and how much they keep.
 */
import * as Effect from "effect/Effect"
import { StoreError } from "./StoreError.ts"

/** Which runs are wanted. */
export interface HistoryQuery {
  readonly workflow?: string
  readonly signature?: string
  /** The newest so many; `Infinity` for all. Default 100. */
  readonly limit?: number
}

/** What is kept under a key. The revision tells it from what was and will be there; for whoever replaces it. */
export interface Summary {
  readonly revision: number
  readonly bytes: Uint8Array
}

/** Which records are removed: those that are old and those that are too many, whichever there are. */
export interface Pruning {
  /** Runs that began before this, in ms since the epoch. */
  readonly before?: number
  /** All but the newest so many of each workflow. */
  readonly keep?: number
}

/** How much is kept; what is older is removed when a run is recorded. */
export interface Retention {
  /** Of each workflow the newest so many runs. */
  readonly runs: number
  /** Of each workflow the details of the newest so many of these. */
  readonly details: number
  /** How long batches are kept after the last one of their run came, in ms. */
  readonly batchesMs: number
}

/** What histories keep unless they are told otherwise. */
export const RETENTION: Retention = { runs: 1_000, details: 100, batchesMs: 86_400_000 }

const DEFAULT_LIMIT = 100

const isCount = (value: number) =>
  value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 0)

const refused = (operation: string, detail: string) =>
  new StoreError({ reason: "refused", operation, detail })

/** How many runs a query wants; refused if that is no number of runs. For adapters. */
export const limitOf = ({ limit = DEFAULT_LIMIT }: HistoryQuery): Effect.Effect<number, StoreError> =>
  isCount(limit)
    ? Effect.succeed(limit)
    : Effect.fail(refused("read the history", `limit ${limit} is no number of runs: say 0 or more`))

/** Refuses what would remove more than was meant. For adapters. */
export const checkPruning = ({ before, keep }: Pruning): Effect.Effect<void, StoreError> => {
  if (keep !== undefined && !isCount(keep))
    return Effect.fail(refused("prune the history", `keep ${keep} is no number of runs: say 0 or more`))
  if (before !== undefined && Number.isNaN(before))
    return Effect.fail(refused("prune the history", "before is no moment: say ms since the epoch"))
  return Effect.void
}
