/**
 * What a planner may ask about the future. Made from the history of earlier runs; {@link none} knows nothing.
 */

/** A predicted quantity as a distribution. */
export interface Prediction {
  readonly mean: number
  /** The value that a share `p` (0 to 1) of outcomes stays below. Never falls as `p` rises. */
  readonly percentile: (p: number) => number
  /** How many measurements it rests on. */
  readonly samples: number
}

/** What a call looks like, as far as it is known. */
export interface CallShape {
  /** Encoded bytes of its inputs together. */
  readonly inputBytes?: number
  /** Memory of the worker, in MiB. */
  readonly memory?: number
}

/** Answers are `undefined` where nothing is known. */
export interface Predictions {
  /** How long one call of the task takes, in ms. */
  readonly executionMs: (task: string, shape: CallShape) => Prediction | undefined
  /** How large the result of one call is, in encoded bytes. */
  readonly outputBytes: (task: string, shape: CallShape) => Prediction | undefined
}

/** No history: nothing is known. */
export const none: Predictions = { executionMs: () => undefined, outputBytes: () => undefined }
