/**
 * Who holds which ready instances of a run, and until when: what I3 and I5 of `Coordination.ts` need to know.
 */
import type { InstanceId } from "@weft/core"

/** A ready instance. Those of one holder are linked, in the order in which it came to hold them. */
export interface Held {
  readonly instance: InstanceId
  holder: Holder
  /** The named worker that it was planned for. */
  readonly planned: string | undefined
  /** 1 at first; one more for each worker that was lost with it. */
  readonly attempt: number
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
  /** For a named worker: which invocation is alive; `undefined` while one was asked for, or none is. */
  incarnation: string | undefined = undefined
  /** For a named worker: whether someone has been told to invoke it, and in which step the last one was. */
  asked = false
  askedIn = 0
  /** How many instances it holds. */
  count = 0
  private first: Held | undefined = undefined
  private last: Held | undefined = undefined

  constructor(worker: string, deadline: number) {
    this.worker = worker
    this.deadline = deadline
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
    if (holder.count === 0 && holder.incarnation === undefined && !holder.asked) this.delete(holder)
  }

  clear(): void {
    this.byWorker.clear()
  }
}
