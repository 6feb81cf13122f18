/**
 * Options that planners share, checked when a planner is made.
 */
import type { Predictions } from "@weft/core"
import { type Environment, MEMORY_SIZES, type ModelOptions } from "./Model.ts"

/** Options of every planner that places nodes by predicted cost. */
export interface PlannerOptions {
  /** Which value of each predicted distribution is counted with: the mean, or a percentile. Default `"average"`. */
  readonly sla?: Predictions.Sla
  /** Memory sizes to choose from, in MiB. Default: those of the environment. */
  readonly memorySizes?: ReadonlyArray<number>
  /** How many named workers there are at most. Default, and limit: what the environment lets run at the same moment. */
  readonly maxWorkers?: number
  /**
   * How many nodes that become ready together one worker gets at most, as long as there may be more workers. Default 100.
   */
  readonly tasksPerWorker?: number
  /** What is known of where workers run. */
  readonly environment?: Environment
}

/** Options with all defaults filled in. */
export interface Settings {
  readonly model: ModelOptions
  readonly maxWorkers: number
  readonly tasksPerWorker: number
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {RangeError} for an option out of its bounds, with its name and the bounds
 */
export const resolve = (options: PlannerOptions): Settings => {
  const { environment = {}, maxWorkers, memorySizes, sla = "average", tasksPerWorker = 100 } = options
  if (sla !== "average" && !(typeof sla === "number" && sla > 0 && sla < 1))
    refuse("sla", sla, `"average" or a percentile above 0 and below 1`)
  whole("tasksPerWorker", tasksPerWorker)
  if (maxWorkers !== undefined) whole("maxWorkers", maxWorkers)
  const { concurrency, cores, idleMs, inlineBytes } = environment
  if (concurrency !== undefined) whole("environment.concurrency", concurrency)
  if (cores !== undefined && !(Number.isFinite(cores) && cores > 0))
    refuse("environment.cores", cores, "a number above 0")
  if (idleMs !== undefined && !(Number.isFinite(idleMs) && idleMs >= 0))
    refuse("environment.idleMs", idleMs, "milliseconds from 0")
  if (inlineBytes !== undefined && !(Number.isFinite(inlineBytes) && inlineBytes >= 0))
    refuse("environment.inlineBytes", inlineBytes, "bytes from 0")
  if (environment.memorySizes !== undefined) sizes("environment.memorySizes", environment.memorySizes)
  if (memorySizes !== undefined) sizes("memorySizes", memorySizes)
  const chosen = memorySizes ?? environment.memorySizes ?? MEMORY_SIZES
  const limit = concurrency ?? 1000
  return {
    model: {
      sla,
      environment: { ...environment, memorySizes: [...new Set(chosen)].sort((a, b) => a - b) }
    },
    maxWorkers: Math.min(maxWorkers ?? limit, limit),
    tasksPerWorker
  }
}

/** @throws {RangeError} unless the value is a whole number from 1 */
export const whole = (name: string, value: unknown, unit = ""): void => {
  if (!(Number.isInteger(value) && (value as number) >= 1))
    refuse(name, value, `a whole number${unit} from 1`)
}

const sizes = (name: string, value: unknown): void => {
  if (!Array.isArray(value) || value.length === 0) refuse(name, value, "a list of at least one memory size")
  else for (const [i, size] of value.entries()) whole(`${name}[${i}]`, size, " of MiB")
}

const refuse = (name: string, value: unknown, wanted: string): never => {
  throw new RangeError(`${name} is ${JSON.stringify(value) ?? String(value)}; it must be ${wanted}`)
}
