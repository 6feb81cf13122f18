/**
 * Environments: what is known of where a run's workers run, before it runs. Plain data, for planners; whatever is left out is
 * not known, and taken to be as on AWS Lambda.
 */

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
  /** `"none"` if nothing is warm when the run begins, whatever earlier runs have left: after a deployment. */
  readonly warm?: "none"
  /** For how long an environment stays warm that nobody uses, in ms. Default 300,000. */
  readonly keepAliveMs?: number
  /** Values of up to so many encoded bytes travel with completions. Default 1 MiB. */
  readonly inlineBytes?: number
  /** So many bytes of values travel with an invocation. Default 128 KiB. */
  readonly payloadBytes?: number
  /** How many workers one worker invokes itself before the rest is left to those; clients four times as many. Default 64. */
  readonly fanOut?: number
  /** How many invocations are sent at the same time. Default 64. */
  readonly sendsAtOnce?: number
  /** Work that is known to take less than this, in ms, is given away together with other work. Default 50. */
  readonly worthMs?: number
  /** Memory sizes that workers may have, in MiB, ascending. Default: some from 256 to 10,240. */
  readonly memorySizes?: ReadonlyArray<number>
  /** What is counted with where nothing is known. Default: usual ones of AWS Lambda. */
  readonly figures?: Partial<Figures>
}

/** Figures that are counted with where nothing is known. */
export interface Figures {
  readonly executionMs: number
  readonly outputBytes: number
  /** Of a list. */
  readonly width: number
  /** From an invocation to the worker's begin, in ms. */
  readonly coldMs: number
  readonly warmMs: number
  /** How long sending an invocation keeps the sender, and one call of coordination, in ms. */
  readonly invokeMs: number
  readonly callMs: number
  /** A transfer takes so many ms, and one more for so many bytes. */
  readonly transferMs: number
  readonly bytesPerMs: number
}
