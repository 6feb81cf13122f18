/**
 * Options that planners share, checked when a planner is made.
 */
import type { Predictions } from "@weft/core"
import * as Environments from "./Environment.ts"
import type { ModelOptions } from "./Model.ts"

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
  readonly environment?: Environments.Environment
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
  checkEnvironment(environment)
  if (memorySizes !== undefined) sizes("memorySizes", memorySizes)
  const chosen = memorySizes ?? environment.memorySizes ?? Environments.MEMORY_SIZES
  const limit = Math.floor(Environments.resolve(environment).concurrency)
  return {
    model: {
      sla,
      environment: { ...environment, memorySizes: [...new Set(chosen)].sort((a, b) => a - b) }
    },
    maxWorkers: Math.min(maxWorkers ?? limit, limit),
    tasksPerWorker
  }
}

/** The options for a run, over what is known of where its workers will run. */
export const within = (environment: Environments.Environment, options: PlannerOptions): Settings =>
  resolve({ ...options, environment: { ...environment, ...options.environment } })

/** The least that the numbers of an environment may be, with the unit. */
const LEAST = {
  concurrency: [1, "number"],
  coreMiB: [0, "number of MiB"],
  idleMs: [0, "number of milliseconds"],
  keepAliveMs: [0, "number of milliseconds"],
  inlineBytes: [0, "number of bytes"],
  payloadBytes: [0, "number of bytes"],
  fanOut: [1, "number"],
  sendsAtOnce: [1, "number"],
  worthMs: [0, "number of milliseconds"]
} as const

const checkEnvironment = (environment: Environments.Environment): void => {
  for (const [name, [least, what]] of Object.entries(LEAST)) {
    const value = environment[name as keyof typeof LEAST]
    if (value !== undefined && !(value >= least))
      refuse(`environment.${name}`, value, `a ${what} from ${least}`)
  }
  const { cores, memorySizes } = environment
  if (cores !== undefined && !(cores > 0)) refuse("environment.cores", cores, "a number above 0")
  if (memorySizes !== undefined) sizes("environment.memorySizes", memorySizes)
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
