/** What a producer has to send: the items that it was given, as far as somebody may need them, and what is on its way. */
import type { Appended } from "@weft/storage"

/** How many bytes may be on their way, whatever the number of items; one item may always. */
const BUFFER_BYTES = 16 * 2 ** 20
/** How many bytes are sent at once, if it is more than one item. */
const BATCH_BYTES = 2 ** 20

export class Outbox {
  private readonly buffer: number
  private readonly readers: number
  /** From position `base`: those before it nobody needs any more. */
  private items: Array<Uint8Array> = []
  private base = 0
  /** What the stream holds: from `first` to before `next`. */
  private first = 0
  private sentBytes = 0
  private unsentBytes = 0
  private known: Appended | undefined
  /** The position of the next item to send. */
  next = 0

  /**
   * @param buffer how many items may be on their way
   * @param readers how many readers there will be
   */
  constructor(buffer: number, readers: number) {
    this.buffer = buffer
    this.readers = readers
  }

  /** How many items it was given. */
  get count(): number {
    return this.base + this.items.length
  }

  /** Whether every item is still here. */
  get isWhole(): boolean {
    return this.base === 0
  }

  /** The items, if all are here. */
  get whole(): ReadonlyArray<Uint8Array> {
    return this.items
  }

  /** Whether there is something to send. */
  get isBehind(): boolean {
    return this.next < this.count
  }

  /** Whether the stream's beginning is gone. */
  get isTrimmed(): boolean {
    return this.first > 0
  }

  /** Whether living readers have to read before there may be more. */
  get isFull(): boolean {
    if (this.known?.read === undefined) return false
    return this.count - this.known.read >= this.buffer || this.sentBytes + this.unsentBytes >= BUFFER_BYTES
  }

  /** No reader needs any more. */
  get isUnwanted(): boolean {
    return this.known !== undefined && this.known.left >= this.readers
  }

  add(item: Uint8Array): void {
    this.items.push(item)
    this.unsentBytes += item.length
  }

  /**
   * What is to be sent, as far as there is room.
   *
   * @param isAdvancing whether readers are farther than is known; a single one has most likely read all that there was
   */
  batch(isAdvancing: boolean): ReadonlyArray<Uint8Array> {
    const isRead = isAdvancing && this.readers - (this.known?.left ?? 0) === 1
    const from = this.next - this.base
    const room = this.buffer - (isRead ? 0 : this.next - this.first)
    const sentBytes = isRead ? 0 : this.sentBytes
    let bytes = 0
    let to = from
    for (; to < this.items.length && to - from < room; to++) {
      bytes += this.items[to]!.length
      if (to > from && bytes > BATCH_BYTES) break
      if (sentBytes + bytes > BUFFER_BYTES && sentBytes + to - from > 0) break
    }
    return this.items.slice(from, to)
  }

  /** Takes in what the stream says, and lets go what nobody needs any more. */
  learn(known: Appended): void {
    this.known = known
    const sent = this.bytes(this.next, known.next)
    this.sentBytes += sent - this.bytes(this.first, known.first)
    this.unsentBytes -= sent
    this.next = Math.max(this.next, known.next)
    this.first = Math.max(this.first, known.first)
    // Who has not begun needs everything.
    if (known.begun < this.readers) return
    const needed = Math.min(known.needed ?? this.next, this.first, this.count)
    if (needed <= this.base) return
    this.items.splice(0, needed - this.base)
    this.base = needed
  }

  private bytes(from: number, to: number): number {
    let bytes = 0
    for (let at = from; at < to; at++) bytes += this.items[at - this.base]?.length ?? 0
    return bytes
  }
}
