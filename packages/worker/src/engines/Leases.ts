/**
 * Who renews the leases of workers while they run: a worker that is silent for longer than its lease is taken for lost.
 */

/** Renews the leases of some workers of one run. */
export interface Leases {
  /** From now on the worker's lease is renewed, until it was released as often as it was held. */
  readonly hold: (worker: string) => void
  readonly release: (worker: string) => void
}

/** For leases that never run out. */
export const none: Leases = { hold: () => {}, release: () => {} }

/** The workers whose leases are to be renewed. A named worker may be there twice for a moment. */
export class Held implements Leases {
  readonly workers = new Set<string>()
  private readonly again = new Map<string, number>()

  hold(worker: string): void {
    if (this.workers.has(worker)) this.again.set(worker, (this.again.get(worker) ?? 0) + 1)
    else this.workers.add(worker)
  }

  release(worker: string): void {
    const again = this.again.get(worker)
    if (again === undefined) this.workers.delete(worker)
    else if (again === 1) this.again.delete(worker)
    else this.again.set(worker, again - 1)
  }
}
