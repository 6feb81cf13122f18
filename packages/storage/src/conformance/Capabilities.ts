/** What a store under test can do, declared with the reason for what it cannot. */
import type * as Effect from "effect/Effect"

/** Something that the suite leaves out; the reason stands in the names of the skipped tests. */
export interface Skipped {
  readonly skipped: string
}

/** Of a store of runs. */
export interface CoordinationCapabilities {
  /**
   * Lets the store's time pass: a real store sleeps, one on a test clock adjusts it. `leaseMs` is the lease of runs
   * whose workers are silent: short where time is real, but so long that a few calls in a row take less than a
   * quarter of it. Where it passes by itself (`passes`), tests that wait for it run beside each other.
   */
  readonly time:
    | {
        readonly leaseMs: number
        readonly elapse: (ms: number) => Effect.Effect<void>
        readonly passes?: boolean
      }
    | Skipped
  /** Whether `usage` is exact and nobody else uses the store meanwhile. */
  readonly usage: true | Skipped
  /** Whether messages arrive while all is well: once, in order, within a second. */
  readonly messages: true | Skipped
}

/** Of a store of objects. */
export interface ObjectStoreCapabilities {
  /** The size of the largest object that the suite puts, in bytes. */
  readonly largeBytes: number
  /** Whether `usage` is exact and nobody else uses the store meanwhile. */
  readonly usage: true | Skipped
}

/** Of a store of streams. */
export interface StreamsCapabilities {
  /**
   * Lets the store's time pass. Where time is real, `lifeMs` of the store must be short, but so long that a few calls in
   * a row take less than a quarter of it.
   */
  readonly time: { readonly elapse: (ms: number) => Effect.Effect<void> } | Skipped
  /** Whether `usage` is exact and nobody else uses the store meanwhile. */
  readonly usage: true | Skipped
}

/** Of a history. */
export interface HistoryCapabilities {
  /**
   * Lets the store's time pass, and how long it keeps batches after the last one, in ms. Where time is real that must be
   * short, but so long that a few calls in a row take less than a quarter of it.
   */
  readonly time:
    | { readonly batchesMs: number; readonly elapse: (ms: number) => Effect.Effect<void> }
    | Skipped
  /** Whether nobody else uses the store meanwhile: the records of all workflows are pruned. */
  readonly pruning: true | Skipped
}
