/** One stream in memory, and the steps on it. Synchronous throughout, hence atomic. `Streams.ts` has the invariants. */
import type { Append, Appended, StreamEnd, StreamNews, StreamRead, StreamState } from "../Streams.ts"

interface Reader {
  position: number | undefined
  left: boolean
  worker: string
  /** Until when it counts as living, by the store's clock. */
  deadline: number
}

export class MemoryStream {
  private items: Array<Uint8Array> = []
  private first = 0
  private producer: string | undefined
  private attempt = 0
  private deadline = 0
  private end: StreamEnd | undefined
  private total: number | undefined
  private error: string | undefined
  private whole = true
  private hold = 0
  private expected = 0
  private readonly readers = new Map<string, Reader>()
  private readonly lifeMs: number

  constructor(lifeMs: number) {
    this.lifeMs = lifeMs
  }

  private get next(): number {
    return this.first + this.items.length
  }

  /** S4: whether it can go. */
  get isOver(): boolean {
    return this.end !== undefined && this.left >= this.expected
  }

  /** How many entries are kept. */
  get usage(): number {
    return 1 + this.items.length + this.readers.size
  }

  private get left(): number {
    let left = 0
    for (const reader of this.readers.values()) if (reader.left) left++
    return left
  }

  /** @returns the answer, and whether readers learn anything new */
  append(append: Append, now: number): readonly [Appended, boolean] {
    const { attempt, producer } = append
    if (this.producer !== producer && (this.producer === undefined || attempt > this.attempt)) {
      this.producer = producer
      this.attempt = attempt
    }
    if (this.producer !== producer || this.end !== undefined) return [this.appended(producer, now), false]
    this.deadline = now + this.lifeMs
    this.whole = append.whole
    this.hold = append.hold
    this.expected = append.readers
    this.trim(now)
    const at = this.next - append.at
    const room = Math.max(0, append.limit - this.items.length)
    const fresh = at < 0 ? [] : append.items.slice(at, at + room)
    this.items.push(...fresh)
    this.end = append.end
    this.total = append.total
    this.error = append.error
    this.trim(now)
    return [this.appended(producer, now), fresh.length > 0 || append.end !== undefined]
  }

  private appended(producer: string, now: number): Appended {
    return {
      mine: this.producer === producer,
      first: this.first,
      next: this.next,
      begun: this.readers.size,
      left: this.left,
      read: this.slowest(now),
      needed: lowest(this.staying().map(({ position }) => position ?? 0))
    }
  }

  private staying(): ReadonlyArray<Reader> {
    return [...this.readers.values()].filter(({ left }) => !left)
  }

  /** The lowest position of a living reader. */
  private slowest(now: number): number | undefined {
    return lowest(
      this.staying()
        .filter(({ deadline }) => deadline > now)
        .flatMap(({ position }) => position ?? [])
    )
  }

  /** S3. */
  private trim(now: number): void {
    if (this.end !== undefined || this.readers.size < this.hold) return
    const read = this.slowest(now)
    if (read === undefined || read <= this.first) return
    const count = Math.min(read, this.next) - this.first
    this.items.splice(0, count)
    this.first += count
  }

  /** @returns the answer, and whether the producer learns anything new */
  read({ from, max, reader, worker }: StreamRead, now: number): readonly [StreamState, boolean] {
    const before = this.readers.get(reader)
    this.readers.set(reader, { position: from, left: false, worker, deadline: now + this.lifeMs })
    this.trim(now)
    const at = (from ?? -1) - this.first
    const state: StreamState = {
      items: at < 0 ? [] : this.items.slice(at, at + max),
      first: this.first,
      next: this.next,
      status: this.end ?? (this.deadline > now ? "open" : "silent"),
      total: this.total,
      whole: this.whole,
      error: this.error
    }
    return [state, before === undefined || before.left || before.position !== from]
  }

  leave(reader: string, now: number): void {
    const known = this.readers.get(reader)
    if (known === undefined) {
      this.readers.set(reader, { position: 0, left: true, worker: "", deadline: 0 })
    } else known.left = true
    this.trim(now)
  }

  /** @returns who learns anything new by it */
  abandon(workers: ReadonlyArray<string>): ReadonlyArray<StreamNews> {
    const news: Array<StreamNews> = []
    if (this.producer !== undefined && workers.includes(this.producer) && this.end === undefined) {
      this.deadline = Number.NEGATIVE_INFINITY
      news.push("items")
    }
    const lost = [...this.readers.values()].filter(({ worker }) => workers.includes(worker))
    for (const reader of lost) reader.deadline = Number.NEGATIVE_INFINITY
    if (lost.length > 0) news.push("readers")
    return news
  }
}

const lowest = (positions: ReadonlyArray<number>): number | undefined =>
  positions.length === 0 ? undefined : Math.min(...positions)
