/**
 * Environments: what is known of where a run's workers run, before it runs. Whatever is left out is as on AWS
 * Lambda.
 */

import { availableParallelism } from "node:os"
import type { Environment, Figures } from "@weft/core"

export type { Environment, Figures } from "@weft/core"

/** Memory sizes that planners choose from, in MiB: from the least that Node.js needs to six cores on AWS Lambda. */
export const MEMORY_SIZES: ReadonlyArray<number> = [256, 512, 1024, 1769, 3008, 5120, 10_240]

/** One whole core on AWS Lambda, in MiB of memory. */
export const CORE_MIB = 1769

/** Usual ones of AWS Lambda with stores in the same network. */
export const FIGURES: Figures = {
  executionMs: 100,
  outputBytes: 1024,
  width: 8,
  coldMs: 350,
  warmMs: 15,
  invokeMs: 20,
  callMs: 1,
  transferMs: 5,
  bytesPerMs: 60_000
}

/** An environment with nothing left out. */
export type Resolved = Required<Omit<Environment, "cores" | "figures" | "warm">> & {
  readonly cores: number
  readonly figures: Figures
}

/** Fills in what AWS Lambda is like. Values that make no sense become the nearest that do. */
export const resolve = (given: Environment = {}): Resolved => {
  const sizes = (given.memorySizes ?? MEMORY_SIZES).filter((size) => Number.isInteger(size) && size > 0)
  return {
    concurrency: atLeast(1, given.concurrency, 1000),
    cores: atLeast(0.01, given.cores, Number.POSITIVE_INFINITY),
    coreMiB: atLeast(0, given.coreMiB, CORE_MIB),
    idleMs: atLeast(0, given.idleMs, 1000),
    leavesPlace: given.leavesPlace ?? false,
    keepAliveMs: atLeast(0, given.keepAliveMs, 300_000),
    inlineBytes: atLeast(0, given.inlineBytes, 2 ** 20),
    payloadBytes: atLeast(0, given.payloadBytes, 131_072),
    fanOut: atLeast(1, given.fanOut, 64),
    sendsAtOnce: atLeast(1, given.sendsAtOnce, 64),
    worthMs: atLeast(0, given.worthMs, 50),
    memorySizes: sizes.length === 0 ? MEMORY_SIZES : [...sizes].sort((a, b) => a - b),
    figures: { ...FIGURES, ...given.figures }
  }
}

const atLeast = (least: number, given: number | undefined, otherwise: number): number =>
  given === undefined || Number.isNaN(given) ? otherwise : Math.max(least, given)

/** The share of a core that comes with so much memory, as far as a task with one thread can use it. */
export const coreShare = ({ coreMiB }: Pick<Resolved, "coreMiB">, memory: number): number =>
  coreMiB <= 0 ? 1 : Math.min(1, memory / coreMiB)

/** Engines on one machine: workers have no sizes, waiting workers leave their places, calls take hardly any time. */
const ONE_MACHINE = {
  coreMiB: 0,
  leavesPlace: true,
  idleMs: 1000,
  fanOut: Number.MAX_SAFE_INTEGER,
  sendsAtOnce: Number.POSITIVE_INFINITY
} as const

/** What the engine `processes` says of itself. */
const PROCESS_PAYLOAD_BYTES = 262_144
const PROCESS_WORTH_MS = 4
/** Workers of the engine `inline` that may be active at once. */
const INLINE_WORKERS = 64

/**
 * What an engine's workers run in. Engines that are not known here are like AWS Lambda, with their parallelism as the limit of
 * concurrency.
 *
 * @param parallelism how many tasks can run at the same moment; for `inline` it is one thread, whatever is given
 */
export const environmentOf = (engine: {
  readonly name: string
  readonly parallelism?: number | undefined
}): Environment => {
  const parallelism = Math.max(1, engine.parallelism ?? availableParallelism())
  switch (engine.name) {
    case "inline":
      return {
        ...ONE_MACHINE,
        concurrency: INLINE_WORKERS,
        cores: 1,
        inlineBytes: 65_536,
        payloadBytes: Number.POSITIVE_INFINITY,
        worthMs: 0,
        figures: { coldMs: 0.1, warmMs: 0.1, invokeMs: 0, callMs: 0, transferMs: 0, bytesPerMs: 1e6 }
      }
    case "threads":
      return {
        ...ONE_MACHINE,
        concurrency: parallelism,
        cores: parallelism,
        inlineBytes: 65_536,
        payloadBytes: Number.POSITIVE_INFINITY,
        worthMs: 0,
        figures: { coldMs: 150, warmMs: 1, invokeMs: 0, callMs: 0.2, transferMs: 0.2, bytesPerMs: 1e6 }
      }
    case "processes":
      return {
        ...ONE_MACHINE,
        concurrency: parallelism,
        cores: parallelism,
        payloadBytes: PROCESS_PAYLOAD_BYTES,
        worthMs: PROCESS_WORTH_MS,
        figures: { coldMs: 300, warmMs: 2, invokeMs: 0.5, callMs: 0.5, transferMs: 0.5, bytesPerMs: 200_000 }
      }
    default:
      return engine.parallelism === undefined ? {} : { concurrency: parallelism }
  }
}
