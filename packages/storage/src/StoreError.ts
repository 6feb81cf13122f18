/** What goes wrong with a store itself, as opposed to with a run. */
import * as Data from "effect/Data"

/**
 * - `unavailable`: no connection, or it broke; trying again may help
 * - `refused`: wrong credentials, missing rights, read-only
 * - `full`: no room, or a value over the store's limit
 * - `corrupt`: what lies there is not ours or not of a version that we can read
 */
export type StoreErrorReason = "unavailable" | "refused" | "full" | "corrupt"

/** A store that could not do what it was asked to. */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly reason: StoreErrorReason
  /** What was asked of it, e.g. `complete`. */
  readonly operation: string
  /** What happened and what to do about it. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message() {
    return `the store could not ${this.operation}: ${this.detail}`
  }
  /** Whether trying again may help. */
  get retryable(): boolean {
    return this.reason === "unavailable"
  }
}
