/**
 * Cores that executions share: when more is wanted than there is, all get the same part of what they want (generalised
 * processor sharing, as a proportional-share scheduler comes close to).
 *
 * Time is counted in what one execution has been given: it passes as fast as the clock while there are cores enough, and
 * slower in proportion else. So each execution has a fixed end in that time, and a queue of ends is all that is needed.
 */
import FlatQueue from "flatqueue"

export class Cores {
  private readonly cores: number
  private readonly ends = new FlatQueue<number>()
  private wanted = 0
  /** Time as executions see it, as of `atMs` by the clock. */
  private passed = 0
  private atMs = 0

  constructor(cores: number) {
    this.cores = cores
  }

  /** When the next execution ends, if none begins before; infinite if there is none. */
  get nextMs(): number {
    const end = this.ends.peekValue()
    return end === undefined
      ? Number.POSITIVE_INFINITY
      : this.atMs + Math.max(0, end - this.passed) / this.speed
  }

  /** How fast executions go on, from 0 to 1. */
  get speed(): number {
    return this.wanted <= this.cores ? 1 : this.cores / this.wanted
  }

  /** An execution begins that wants `share` of a core, and would take `ms` with that. */
  begin(id: number, share: number, ms: number, now: number): void {
    this.pass(now)
    this.wanted += share
    this.ends.push(id, this.passed + ms)
  }

  /** Takes out the execution that ends at {@link nextMs}, which is now. */
  end(now: number, shareOf: (id: number) => number): number {
    this.pass(now)
    const id = this.ends.pop()!
    this.wanted = this.ends.length === 0 ? 0 : this.wanted - shareOf(id)
    return id
  }

  private pass(now: number) {
    this.passed += (now - this.atMs) * this.speed
    this.atMs = now
  }
}
