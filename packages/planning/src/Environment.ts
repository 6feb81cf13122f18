/**
 * Environments: what is known of where a run's workers run, before it runs. Plain data; whatever is left out is as on AWS
 * Lambda.
 */

/** Memory sizes that planners choose from, in MiB: from the least that Node.js needs to six cores on AWS Lambda. */
export const MEMORY_SIZES: ReadonlyArray<number> = [256, 512, 1024, 1769, 3008, 5120, 10_240]

/** One whole core on AWS Lambda, in MiB of memory. */
export const CORE_MIB = 1769

/** What is known of where workers run. */
export interface Environment {
  /** How many workers can run at the same moment; what a fan-out is divided by. Default 1,000, the limit of an AWS account. */
  readonly concurrency?: number
  /** How many cores they share; absent where each has its own, as on AWS. */
  readonly cores?: number
  /** Memory that comes with one whole core, in MiB; 0 where workers have a core whatever their memory. Default 1,769. */
  readonly coreMiB?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 1,000. */
  readonly idleMs?: number
  /** Whether a worker that waits for work leaves its place to others. Default no, as on AWS. */
  readonly leavesPlace?: boolean
  /** For how long an environment stays warm that nobody uses, in ms. Default 300,000. */
  readonly keepAliveMs?: number
  /** Values of up to so many encoded bytes travel with completions. Default 1 MiB. */
  readonly inlineBytes?: number
  /** So many bytes of values travel with an invocation. Default 128 KiB. */
  readonly payloadBytes?: number
  /** How many workers one worker invokes itself before the rest is left to those. Default 16. */
  readonly fanOut?: number
  /** How many invocations are sent at the same time. Default 64. */
  readonly sendsAtOnce?: number
  /** Work that is known to take less than this, in ms, is given away together with other work. Default 50. */
  readonly worthMs?: number
  /** Memory sizes that workers may have, in MiB, ascending. Default: {@link MEMORY_SIZES}. */
  readonly memorySizes?: ReadonlyArray<number>
}

/** An environment with nothing left out. */
export type Resolved = Required<Omit<Environment, "cores">> & { readonly cores: number }

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
    fanOut: atLeast(1, given.fanOut, 16),
    sendsAtOnce: atLeast(1, given.sendsAtOnce, 64),
    worthMs: atLeast(0, given.worthMs, 50),
    memorySizes: sizes.length === 0 ? MEMORY_SIZES : [...sizes].sort((a, b) => a - b)
  }
}

const atLeast = (least: number, given: number | undefined, otherwise: number): number =>
  given === undefined || Number.isNaN(given) ? otherwise : Math.max(least, given)

/** The share of a core that comes with so much memory, as far as a task with one thread can use it. */
export const coreShare = ({ coreMiB }: Pick<Resolved, "coreMiB">, memory: number): number =>
  coreMiB <= 0 ? 1 : Math.min(1, memory / coreMiB)
