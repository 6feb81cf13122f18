/**
 * The time that a worker has, where its host ends it after a while.
 *
 * A worker leaves before: it begins no new node in its last moments, the *grace*, interrupts the one that it runs, and has
 * another worker go on with what it holds.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Host } from "./Engine.ts"

/** The grace is this part of a worker's time, but no less and no more than so many ms, and never more than half. */
const GRACE_SHARE = 0.05
const GRACE_LEAST_MS = 1000
const GRACE_MOST_MS = 10_000

/** So many workers may spend their whole time on an instance before it fails. */
export const MOST_LIMITED = 2

/** The worker's time is over. */
export class OutOfTime {
  readonly _tag = "OutOfTime"
}

export class Limit {
  /** How much time the worker had at its start, in ms. */
  readonly wholeMs: number
  private readonly remainingMs: () => number
  private readonly graceMs: number
  private readonly reached = Latch.makeUnsafe(false)

  /** `undefined` where nobody ends workers. */
  static of({ remainingMs }: Host["Service"]): Limit | undefined {
    return remainingMs === undefined ? undefined : new Limit(remainingMs)
  }

  private constructor(remainingMs: () => number) {
    this.remainingMs = remainingMs
    this.wholeMs = remainingMs()
    const share = Math.min(GRACE_MOST_MS, Math.max(GRACE_LEAST_MS, this.wholeMs * GRACE_SHARE))
    this.graceMs = Math.min(this.wholeMs / 2, share)
  }

  /** How long the worker may go on until it has to leave, in ms. */
  get leftMs(): number {
    return Math.max(0, this.remainingMs() - this.graceMs)
  }

  get isReached(): boolean {
    return this.leftMs === 0
  }

  /** Interrupts what runs `within` the limit when that is reached. To be run beside the worker. */
  get watch(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.isReached) return Effect.delay(this.watch, Math.ceil(this.leftMs))
      this.reached.openUnsafe()
      return Effect.void
    })
  }

  /** Interrupts an effect when the limit is reached. */
  within<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | OutOfTime> {
    return Effect.raceFirst(
      effect,
      Effect.flatMap(this.reached.await, () => Effect.fail(new OutOfTime()))
    )
  }
}
