/**
 * Who holds which ready instances of a run, and until when: what I3 and I5 of `Coordination.ts` need to know.
 */
import type { InstanceId } from "@weft/core"

/** How often an instance was lost: whole ones, and ones that count a tenth. */
export interface Losses {
  readonly begun: number
  readonly unbegun: number
}

export const NO_LOSSES: Losses = { begun: 0, unbegun: 0 }

/** How many losses with a worker that never began count as one. */
const TENTHS = 10

/** 1 at first; one more for each whole loss, and for ten that count a tenth. */
export const attemptAfter = ({ begun, unbegun }: Losses): number => 1 + begun + Math.floor(unbegun / TENTHS)

/**
 * What is known of a worker that holds something, or is named and there or asked for:
 *
 * - `invoked`: somebody gave it work; it has not spoken
 * - `asked`: it is named, and somebody was told to invoke it
 * - `begun`: it has spoken
 * - `attached`: it is named, and there: also while it holds nothing
 */
export type Phase = "invoked" | "asked" | "begun" | "attached"

/** A ready instance. Those of one holder are linked, in the order in which it came to hold them. */
export interface Held {
  readonly instance: InstanceId
  holder: Holder
  /** The named worker that it was planned for. */
  readonly planned: string | undefined
  /** How often it was lost with a worker that had begun, and with one that had not. */
  readonly losses: Losses
  /** Whether a holder has been told of it: else it is in the holder's inbox. */
  told: boolean
  /** In which step it was last answered: once in an answer is enough. */
  answeredIn: number
  previous: Held | undefined
  next: Held | undefined
}

/** A worker that holds instances, or is named and alive or asked for. */
export class Holder {
  readonly worker: string
  /** When its lease runs out, in ms by the store's clock. */
  deadline: number
  /** For a named worker: what became ready for it meanwhile. What it was told of otherwise is to be passed over. */
  inbox: Array<Held> = []
  phase: Phase = "invoked"
  /** Which invocation of the worker has begun, or is attached; `undefined` if it has not said. */
  incarnation: string | undefined = undefined
  /** In which step somebody was last told to invoke it. */
  askedIn = 0
  /** How many instances it holds. */
  count = 0
  private first: Held | undefined = undefined
  private last: Held | undefined = undefined

  constructor(worker: string, deadline: number) {
    this.worker = worker
    this.deadline = deadline
  }

  /** Whether the worker is known to have come: else an invocation of it may have been lost. */
  get hasBegun(): boolean {
    return this.phase === "begun" || this.phase === "attached"
  }

  /** The worker has spoken. Of a named one that is asked for it may be a former invocation. */
  speaks(): void {
    if (this.phase === "invoked") this.phase = "begun"
  }

  enter(phase: Phase, incarnation?: string): void {
    this.phase = phase
    this.incarnation = incarnation
  }

  /** Whether it is another invocation than this that is there. */
  isOther(incarnation: string, now: number): boolean {
    const isAnother = this.incarnation !== undefined && this.incarnation !== incarnation
    return isAnother && this.hasBegun && this.deadline > now
  }

  add(held: Held): void {
    held.holder = this
    held.previous = this.last
    held.next = undefined
    if (this.last === undefined) this.first = held
    else this.last.next = held
    this.last = held
    this.count++
  }

  remove({ next, previous }: Held): void {
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    this.count--
  }

  /** What it holds, oldest first. The one that is being visited may be removed. */
  *instances(): IterableIterator<Held> {
    let next: Held | undefined
    for (let held = this.first; held !== undefined; held = next) {
      next = held.next
      yield held
    }
  }
}

/** The holders of a run, in the order of their deadlines: who speaks goes to the end. */
export class Holders {
  private readonly byWorker = new Map<string, Holder>()
  private readonly leaseMs: number

  constructor(leaseMs: number) {
    this.leaseMs = leaseMs
  }

  get size(): number {
    return this.byWorker.size
  }

  get(worker: string): Holder | undefined {
    return this.byWorker.get(worker)
  }

  all(): IterableIterator<Holder> {
    return this.byWorker.values()
  }

  /** The holder of that name; a new one has a whole lease. */
  obtain(worker: string, now: number): Holder {
    const known = this.byWorker.get(worker)
    if (known !== undefined) return known
    const holder = new Holder(worker, now + this.leaseMs)
    this.byWorker.set(worker, holder)
    return holder
  }

  /** Renews the lease of a worker, if it holds anything. */
  renew(worker: string, now: number): void {
    const holder = this.byWorker.get(worker)
    const deadline = now + this.leaseMs
    if (holder === undefined || holder.deadline === deadline) return
    holder.deadline = deadline
    this.byWorker.delete(worker)
    this.byWorker.set(worker, holder)
  }

  /** The worker has spoken: renews its lease, if it holds anything. */
  hear(worker: string, now: number): void {
    this.renew(worker, now)
    this.byWorker.get(worker)?.speaks()
  }

  /** Those whose lease has run out. They may be deleted meanwhile. */
  *expired(now: number): IterableIterator<Holder> {
    for (const holder of this.byWorker.values()) {
      if (holder.deadline > now) return
      yield holder
    }
  }

  delete(holder: Holder): void {
    // One that was set aside in this step may have come back under its name.
    if (this.byWorker.get(holder.worker) === holder) this.byWorker.delete(holder.worker)
  }

  /** Forgets a worker that has nothing to lose. */
  deleteIfIdle(holder: Holder): void {
    const isNeeded = holder.count > 0 || holder.phase === "attached" || holder.phase === "asked"
    if (!isNeeded) this.delete(holder)
  }

  clear(): void {
    this.byWorker.clear()
  }
}
