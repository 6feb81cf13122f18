/**
 * What a task or a single call may ask for: retries, a timeout, memory, annotations.
 *
 * Options are plain data: they travel with the graph. Options of a call win over those of its task, field by field.
 */
import type { AnnotationValue } from "./Annotation.ts"

/** When and how often a failed attempt is repeated by the worker that runs the node. */
export interface RetryPolicy {
  /** Attempts in all, the first included. At least 1. Default 3. */
  readonly attempts?: number
  /** Pause before the second attempt, in ms. Default 100. */
  readonly backoff?: number
  /** Each further pause is this many times longer. At least 1. Default 2. */
  readonly factor?: number
  /** No pause is longer than this, in ms. Default 10,000. */
  readonly maxBackoff?: number
  /** Whether each pause is varied at random by ±20 %, so that many workers do not retry in step. Default true. */
  readonly jitter?: boolean
  /** The names of the errors (`error.name`) that are worth another attempt. Default: all. */
  readonly errors?: ReadonlyArray<string>
}

/** Options of a task or of one call. */
export interface TaskOptions {
  /** How often to try: a number of attempts, or a policy. Default: once. */
  readonly retry?: number | RetryPolicy
  /** How long one attempt may take, in ms. Default: no limit but the engine's own. */
  readonly timeout?: number
  /** Memory that the task needs, in MiB. A planner takes it as the least it may give. */
  readonly memory?: number
  /** Annotations of the user's own; a planner's annotations of the same name win. */
  readonly annotations?: ReadonlyArray<AnnotationValue>
}

/** The retry policy with all its fields. */
export type ResolvedRetry = Required<Omit<RetryPolicy, "errors">> & Pick<RetryPolicy, "errors">

/** Fills in the defaults. */
export const resolveRetry = (retry: number | RetryPolicy | undefined): ResolvedRetry => {
  const given = typeof retry === "number" ? { attempts: retry } : (retry ?? { attempts: 1 })
  return { attempts: 3, backoff: 100, factor: 2, maxBackoff: 10_000, jitter: true, ...given }
}

/** Options of the call over options of the task; annotations of both, the call's last. */
export const merge = (task: TaskOptions, call: TaskOptions | undefined): TaskOptions => {
  if (call === undefined) return task
  const annotations = [...(task.annotations ?? []), ...(call.annotations ?? [])]
  return { ...task, ...call, ...(annotations.length === 0 ? {} : { annotations }) }
}

/**
 * What is wrong with the options, with the field's name and what would be right; `undefined` if nothing is.
 */
export const problem = (options: TaskOptions): string | undefined => {
  const retry = resolveRetry(options.retry)
  const checks: ReadonlyArray<[string, number | undefined, (n: number) => boolean, string]> = [
    ["retry.attempts", retry.attempts, (n) => Number.isInteger(n) && n >= 1, "a whole number from 1"],
    ["retry.backoff", retry.backoff, (n) => n >= 0, "milliseconds from 0"],
    ["retry.factor", retry.factor, (n) => n >= 1, "a number from 1"],
    ["retry.maxBackoff", retry.maxBackoff, (n) => n >= 0, "milliseconds from 0"],
    ["timeout", options.timeout, (n) => n > 0 && n < 2 ** 31, "milliseconds above 0"],
    ["memory", options.memory, (n) => Number.isInteger(n) && n > 0, "a whole number of MiB above 0"]
  ]
  for (const [field, value, valid, wanted] of checks) {
    if (value !== undefined && !(Number.isFinite(value) && valid(value))) {
      return `the option ${field} is ${String(value)}; it must be ${wanted}`
    }
  }
  return undefined
}
