/**
 * By how much this process's clock is off from the store's: from answers that say what time it is there. The answer that
 * was there fastest tells best: it is wrong by half of the time that it took at most (Cristian, Distributed Computing 3,
 * 1989).
 */
export class StoreClock {
  /** The store's time less ours, in ms. */
  offsetMs = 0
  /** How long the call took that says so, in ms; infinite if there was none. */
  tookMs = Number.POSITIVE_INFINITY

  /** A call that was made at `calledAt` was answered at `answeredAt`, both by our clock; the store said that it was `now`. */
  heard(calledAt: number, answeredAt: number, now: number): void {
    const tookMs = answeredAt - calledAt
    if (!(tookMs >= 0 && tookMs < this.tookMs)) return
    this.tookMs = tookMs
    this.offsetMs = now - (calledAt + answeredAt) / 2
  }

  /** One of our moments by the store's clock. */
  at(ours: number): number {
    return ours + this.offsetMs
  }
}
