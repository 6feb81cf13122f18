/**
 * The makespan of a run: from its begin in the store, the step right before the first invocation is sent, to the
 * completion of its last target (or to the moment at which it failed or was cancelled), both by the store's clock.
 *
 * This is the only definition: the client's summary, the record in the history and the event `ended` all have it from here.
 */

/** What a store knows of a run's beginning and end, in ms. */
export interface Lifetime {
  readonly begunAt: number
  /** `undefined` while it runs. */
  readonly endedAt: number | undefined
}

/** The makespan in ms; 0 for a run that has not ended. */
export const of = ({ begunAt, endedAt }: Lifetime): number => Math.max(0, (endedAt ?? begunAt) - begunAt)
