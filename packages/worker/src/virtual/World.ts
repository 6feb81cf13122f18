/**
 * A world with a time of its own: timers in virtual time and a queue of what runs now. Everything in it happens in an
 * order that the seed decides, so a run can be repeated exactly.
 */

/** Random numbers from 0 to 1 (Mulberry32). */
export const generator = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Timer {
  readonly at: number
  readonly order: number
  /** `undefined` once it is cancelled. */
  act: (() => void) | undefined
}

/** How far a world may go. */
export interface Limits {
  /** Virtual ms. */
  readonly ms: number
  /** Timers. */
  readonly steps: number
}

/** Why a world has stopped: it was told to, nothing is left that could happen, or it went too far. */
export type Stop = "done" | "stuck" | "too long" | "too many steps"

/** How often microtasks get their turn after a task's promise was settled: more often than any chain is long. */
const MICROTASKS = 16

export class World {
  /** Virtual time, in ms. */
  now = 0
  steps = 0
  readonly random: () => number
  /** What happened, if anybody wants to know. */
  readonly trace: Array<string> | undefined
  /** Set by whoever settles a promise: what waits for it runs in microtasks. */
  settled = false
  private readonly timers: Array<Timer> = []
  private order = 0
  private queue: Array<() => void> = []

  constructor(seed: number, trace = false) {
    this.random = generator(seed)
    this.trace = trace ? [] : undefined
  }

  /** Notes what happens. */
  note(event: () => string): void {
    this.trace?.push(`${this.now.toFixed(2).padStart(10)} ms  ${event()}`)
  }

  /** Runs `act` when what runs now has come to its end. */
  post(act: () => void): void {
    this.queue.push(act)
  }

  /** Runs `act` after `ms`. @returns what cancels that */
  after(ms: number, act: () => void): () => void {
    const timer: Timer = { at: this.now + ms, order: this.order++, act }
    this.push(timer)
    return () => {
      timer.act = undefined
    }
  }

  /** A whole number from 0 to `count - 1`. */
  choose(count: number): number {
    return Math.floor(this.random() * count)
  }

  /** Goes on until `isDone`. */
  async go(isDone: () => boolean, { ms, steps }: Limits): Promise<Stop> {
    const lastAt = this.now + ms
    const lastStep = this.steps + steps
    while (true) {
      await this.settle()
      if (isDone()) return "done"
      let timer = this.pop()
      if (timer === undefined) {
        // Something may be under way that was not announced.
        await new Promise<void>((resume) => setImmediate(resume))
        if (this.queue.length > 0) continue
        timer = this.pop()
        if (timer === undefined) return "stuck"
      }
      if (timer.at > lastAt) return "too long"
      if (++this.steps > lastStep) return "too many steps"
      this.now = timer.at
      timer.act?.()
    }
  }

  /** Runs all there is to run at this moment. */
  private async settle() {
    while (true) {
      while (this.queue.length > 0) {
        const queue = this.queue
        this.queue = []
        for (const act of queue) act()
      }
      if (!this.settled) return
      this.settled = false
      for (let i = 0; i < MICROTASKS; i++) await undefined
    }
  }

  // A binary heap, earliest first; of the same time the one that was set first.

  private push(timer: Timer) {
    const { timers } = this
    let at = timers.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, timers[parent]!)) break
      timers[at] = timers[parent]!
      at = parent
    }
    timers[at] = timer
  }

  private pop(): Timer | undefined {
    while (this.timers.length > 0) {
      const first = this.popFirst()
      if (first.act !== undefined) return first
    }
    return
  }

  private popFirst(): Timer {
    const { timers } = this
    const first = timers[0]!
    const last = timers.pop()!
    if (timers.length === 0) return first
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= timers.length) break
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++
      if (!isBefore(timers[child]!, last)) break
      timers[at] = timers[child]!
      at = child
    }
    timers[at] = last
    return first
  }
}

const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order)
