/** What goes wrong with Lambda itself, as opposed to with a run. */
import * as Data from "effect/Data"

/**
 * - `credentials`: there are none, or Lambda does not accept them
 * - `unreachable`: nothing answers: wrong region, wrong endpoint, no network
 * - `denied`: these credentials may not do it
 * - `missing`: there is no such function: it is not deployed
 * - `memory`: no function can have that much, or that little
 * - `role`: the function's role is not there, or Lambda may not assume it
 * - `quota`: the account may have no more of it
 * - `payload`: an event is larger than Lambda takes
 * - `throttled`: too much is asked at the moment; trying again may help
 * - `unavailable`: Lambda failed; trying again may help
 * - `refused`: Lambda said no for another reason
 */
export type LambdaErrorReason =
  | "credentials"
  | "unreachable"
  | "denied"
  | "missing"
  | "memory"
  | "role"
  | "quota"
  | "payload"
  | "throttled"
  | "unavailable"
  | "refused"

/** Lambda could not do what it was asked to. */
export class LambdaError extends Data.TaggedError("LambdaError")<{
  readonly reason: LambdaErrorReason
  /** What was asked of it, e.g. `invoke weft-report-1024`. */
  readonly operation: string
  /** What happened and what to do about it. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message() {
    return `Lambda could not ${this.operation}: ${this.detail}`
  }
  /** Whether trying again may help. */
  get retryable(): boolean {
    return this.reason === "throttled" || this.reason === "unavailable" || this.reason === "unreachable"
  }
}
