/**
 * What a task or a single call may ask for: retries, a timeout, memory, annotations.
 *
 * Options are plain data: they travel with the graph. Options of a call win over those of its task, field by field.
 */
import { inspect } from "node:util"
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

/** What the user knows of a task that has not been measured yet. Measurements win. */
export interface Hints {
  /** How long one call takes with 1,769 MiB of memory (one whole core on AWS Lambda), in ms. */
  readonly executionMs?: number
  /** How large the result is, in bytes. */
  readonly outputBytes?: number
  /** For a task whose result is a list that an `each` opens: how long that is. */
  readonly width?: number
}

/** Options of a task or of one call. */
export interface TaskOptions {
  /** How often to try: a number of attempts, or a policy. Default: once. */
  readonly retry?: number | RetryPolicy
  /** How long one attempt may take, in ms. Default: no limit but the engine's own. */
  readonly timeout?: number
  /** Memory that the task needs, in MiB. A planner takes it as the least it may give. */
  readonly memory?: number
  /** What to plan with while nothing is measured. */
  readonly hints?: Hints
  /** Annotations of the user's own; a planner's annotations of the same name win. */
  readonly annotations?: ReadonlyArray<AnnotationValue>
}

/** The retry policy with all its fields. */
export type ResolvedRetry = Required<Omit<RetryPolicy, "errors">> & Pick<RetryPolicy, "errors">

/** Fills in the defaults. */
export const resolveRetry = (retry: number | RetryPolicy | undefined): ResolvedRetry => {
  const given: RetryPolicy = typeof retry === "number" ? { attempts: retry } : (retry ?? { attempts: 1 })
  const { attempts = 3, backoff = 100, errors, factor = 2, jitter = true, maxBackoff = 10_000 } = given
  const policy = { attempts, backoff, factor, maxBackoff, jitter }
  return errors === undefined ? policy : { ...policy, errors }
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
  if (!isObject(options)) return `the options are ${show(options)}; they must be an object`
  if (options.retry !== undefined && typeof options.retry !== "number" && !isObject(options.retry))
    return wrong("retry", options.retry, "a number of attempts or a policy")
  const retry = resolveRetry(options.retry)
  const checks: ReadonlyArray<[string, unknown, (n: number) => boolean, string]> = [
    ["retry.attempts", retry.attempts, (n) => Number.isInteger(n) && n >= 1, "a whole number from 1"],
    ["retry.backoff", retry.backoff, (n) => n >= 0, "milliseconds from 0"],
    ["retry.factor", retry.factor, (n) => n >= 1, "a number from 1"],
    ["retry.maxBackoff", retry.maxBackoff, (n) => n >= 0, "milliseconds from 0"],
    ["timeout", options.timeout, (n) => n > 0 && n < 2 ** 31, "milliseconds above 0 and below 2^31"],
    ["memory", options.memory, (n) => Number.isInteger(n) && n > 0, "a whole number of MiB above 0"]
  ]
  for (const [field, value, valid, wanted] of checks) {
    if (value !== undefined && !(typeof value === "number" && Number.isFinite(value) && valid(value)))
      return wrong(field, value, wanted)
  }
  if (typeof retry.jitter !== "boolean") return wrong("retry.jitter", retry.jitter, "true or false")
  if (retry.errors !== undefined && !isArrayOf(retry.errors, (name) => typeof name === "string"))
    return wrong("retry.errors", retry.errors, "a list of names of errors")
  if (options.hints !== undefined) {
    if (!isObject(options.hints)) return wrong("hints", options.hints, "an object")
    for (const field of ["executionMs", "outputBytes", "width"] as const) {
      const value = options.hints[field]
      if (value !== undefined && !(typeof value === "number" && Number.isFinite(value) && value >= 0))
        return wrong(`hints.${field}`, value, "a number from 0")
    }
  }
  if (options.annotations !== undefined && !isArrayOf(options.annotations, isAnnotationValue))
    return wrong("annotations", options.annotations, "a list of annotations' values, like [Priority(5)]")
  return undefined
}

const wrong = (field: string, value: unknown, wanted: string) =>
  `the option ${field} is ${show(value)}; it must be ${wanted}`

const show = (value: unknown) => (typeof value === "number" ? String(value) : inspect(value, { depth: 1 }))

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value)

const isArrayOf = (value: unknown, isItem: (item: unknown) => boolean) =>
  Array.isArray(value) && value.every(isItem)

const isAnnotationValue = (value: unknown) =>
  isObject(value) && typeof (value as { name?: unknown }).name === "string"
