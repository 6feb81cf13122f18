/**
 * A worker's memory: the values that it made or fetched.
 *
 * A value is *pinned* by each instance that this worker will run or hand off and that reads it: pinned values stay.
 * Others are a cache, dropped oldest first beyond a limit. A value is encoded and decoded at most once.
 */
import { Codec, type InstanceId } from "@weft/core"

interface Entry {
  value: unknown
  decoded: boolean
  bytes: Uint8Array | undefined
  pins: number
  /** Of the pins, those of instances that are yet to be taken on or handed off. */
  reserved: number
  /** Whether it lies in a store, or came from one: others can get it without us. */
  stored: boolean
  /** How many readers it has gained or lost while it was in no store. */
  released: number
  /** Whether it was fetched ahead, and nobody here has asked for it yet. */
  ahead: boolean
  /** Whether it was made elsewhere; and in which reading it was last got: see `beginReading`. */
  foreign: boolean
  reading: number
  /** How long fetching it ahead took, in ms, until somebody has asked for it. */
  aheadMs: number | undefined
}

/** What of the values that were got had come from elsewhere: for what is measured. */
interface Reading {
  /** Their encoded bytes. */
  cameBytes: number
  /** Of these, what had been fetched ahead, and how long that took, in ms. */
  preloadedBytes: number
  preloadedMs: number
}

const NOTHING: Reading = { cameBytes: 0, preloadedBytes: 0, preloadedMs: 0 }
/** How values become bytes and come back. A simulation, whose values are stand-ins, has one of its own. */
export interface ValueCodec {
  readonly encode: (value: unknown) => Uint8Array
  readonly decode: (bytes: Uint8Array) => unknown
}

/** How the paths in errors about results begin. */
export const RESULT = ["result"] as const

export const valueCodec: ValueCodec = {
  encode: (value) => Codec.encode(value, RESULT),
  decode: Codec.decode
}

export class Values {
  private readonly entries = new Map<InstanceId, Entry>()
  private cachedBytes = 0
  /** Bytes of values that were fetched ahead, and that nobody here has asked for yet. */
  aheadBytes = 0
  private reading: Reading = NOTHING
  private readings = 0
  /** Told of values that are encoded. */
  onEncoded: ((instance: InstanceId, bytes: number) => void) | undefined
  private readonly limit: number

  private readonly shared: SharedValues
  private readonly codec: ValueCodec

  /**
   * @param shared large values that other workers of this process have
   * @param limit bytes of values that are kept although nothing here will read them, for the case that it does
   */
  constructor(shared = new SharedValues(), limit = 64 * 2 ** 20, codec = valueCodec) {
    this.shared = shared
    this.codec = codec
    this.limit = limit
  }

  has(instance: InstanceId): boolean {
    return this.entries.has(instance)
  }

  /**
   * Adds a value that was made here.
   *
   * @param reserved of the pins, how many are for instances that will be taken on (`pin`) or handed off (`unpin`) later
   * @param bytes the value's, if they are known
   */
  made(instance: InstanceId, value: unknown, pins: number, reserved = 0, bytes?: Uint8Array): void {
    if (bytes !== undefined) this.shared.add(instance, { bytes, value })
    this.add(instance, {
      value,
      decoded: true,
      bytes,
      pins,
      reserved,
      stored: false,
      released: 0,
      ahead: false,
      foreign: false,
      reading: 0,
      aheadMs: undefined
    })
  }

  /** Adds a value that came as bytes. */
  came(instance: InstanceId, bytes: Uint8Array, stored: boolean): void {
    if (!this.entries.has(instance)) this.addBytes(instance, bytes, stored, undefined)
  }

  /** Adds a value from a store that some node here will read, and that took `ms` to fetch. It stays until then. */
  cameAhead(instance: InstanceId, bytes: Uint8Array, ms: number): void {
    if (this.entries.has(instance)) return
    this.addBytes(instance, bytes, true, ms)
    this.aheadBytes += bytes.length
  }

  private addBytes(instance: InstanceId, bytes: Uint8Array, stored: boolean, aheadMs: number | undefined) {
    const entry = {
      value: undefined,
      decoded: false,
      bytes,
      pins: 0,
      reserved: 0,
      stored,
      released: 0,
      ahead: aheadMs !== undefined,
      foreign: true,
      reading: 0,
      aheadMs
    }
    this.add(instance, entry)
  }

  /** A node begins to read: what is got from now on counts for it, each value once. */
  beginReading(): void {
    this.readings++
    this.reading = NOTHING
  }

  /** What came from elsewhere of what was got since then. */
  get read(): Readonly<Reading> {
    return this.reading
  }

  private count(entry: Entry) {
    if (this.reading === NOTHING) this.reading = { ...NOTHING }
    const { reading } = this
    const { aheadMs, bytes } = entry
    const size = bytes?.length ?? 0
    entry.reading = this.readings
    reading.cameBytes += size
    if (aheadMs === undefined) return
    entry.aheadMs = undefined
    reading.preloadedBytes += size
    reading.preloadedMs += aheadMs
  }

  /** The value; the caller has made sure that it is here. */
  get(instance: InstanceId): unknown {
    const entry = this.entries.get(instance)!
    this.arrived(entry)
    if (entry.foreign && entry.reading !== this.readings) this.count(entry)
    if (!entry.decoded) {
      entry.value = this.shared.get(instance) ?? this.codec.decode(entry.bytes!)
      entry.decoded = true
      this.shared.add(instance, entry)
    }
    return entry.value
  }

  /** The value's bytes. */
  bytes(instance: InstanceId): Uint8Array {
    const entry = this.entries.get(instance)!
    if (entry.bytes === undefined) {
      entry.bytes = this.codec.encode(entry.value)
      this.onEncoded?.(instance, entry.bytes.length)
      this.shared.add(instance, entry)
      if (entry.pins === 0) this.cache(entry)
    }
    return entry.bytes
  }

  /** A value's bytes, before it is here. */
  encode(value: unknown): Uint8Array {
    return this.codec.encode(value)
  }

  /** Whether others can get the value from a store. */
  isStored(instance: InstanceId): boolean {
    return this.entries.get(instance)?.stored ?? true
  }

  setStored(instance: InstanceId): void {
    const entry = this.entries.get(instance)
    if (entry !== undefined) entry.stored = true
  }

  /** Who read a value that is in no store has read it; or, by a gate, more will. */
  released(instance: InstanceId, delta: number): void {
    const entry = this.entries.get(instance)
    if (entry !== undefined) entry.released += delta
  }

  /** How many of at first `readers` are left, for a value that goes to a store now. */
  readersLeft(instance: InstanceId, readers: number): number {
    return readers + (this.entries.get(instance)?.released ?? 0)
  }

  /** Lets a value go that nothing here needs any more, and that can be had nowhere else. */
  forget(instance: InstanceId): void {
    const entry = this.entries.get(instance)
    if (entry === undefined || entry.pins > 0 || entry.stored) return
    this.entries.delete(instance)
    this.cachedBytes -= entry.bytes?.length ?? 0
  }

  /** Adds a pin, or takes a reserved one, if the value is here. */
  pin(instance: InstanceId): void {
    const entry = this.entries.get(instance)
    if (entry === undefined) return
    this.arrived(entry)
    if (entry.reserved > 0) entry.reserved--
    else if (entry.pins++ === 0) this.cachedBytes -= entry.bytes?.length ?? 0
  }

  /** Takes one pin away. A value that is in no store goes with its last pin; one that is becomes part of the cache. */
  unpin(instance: InstanceId): void {
    const entry = this.entries.get(instance)
    if (entry === undefined || entry.pins === 0) return
    entry.pins--
    if (entry.reserved > entry.pins) entry.reserved = entry.pins
    if (entry.pins > 0) return
    this.entries.delete(instance)
    if (entry.stored) this.add(instance, entry)
  }

  /** Others will take on an instance that a pin was reserved for. */
  unreserve(instance: InstanceId): void {
    const entry = this.entries.get(instance)
    if (entry !== undefined && entry.reserved > 0) entry.reserved--
    this.unpin(instance)
  }

  /** Whether the value is pinned here and in no store. */
  isHeld(instance: InstanceId): boolean {
    const entry = this.entries.get(instance)
    return entry !== undefined && !entry.stored && entry.pins > 0
  }

  /** By how many instances the value is pinned. */
  pinsOf(instance: InstanceId): number {
    return this.entries.get(instance)?.pins ?? 0
  }

  /** Values that are pinned and in no store: what is lost if this worker leaves now. */
  *unstored(): IterableIterator<InstanceId> {
    for (const [instance, entry] of this.entries) if (!entry.stored && entry.pins > 0) yield instance
  }

  /** Somebody has asked for a value: if it was fetched ahead, it is like any other from now on. */
  private arrived(entry: Entry) {
    if (!entry.ahead) return
    entry.ahead = false
    this.aheadBytes -= entry.bytes?.length ?? 0
    this.cache(entry)
  }

  private add(instance: InstanceId, entry: Entry) {
    this.entries.set(instance, entry)
    if (entry.pins === 0 && !entry.ahead) this.cache(entry)
  }

  /** Counts an entry as cached. Values never encoded count as nothing. */
  private cache(entry: Entry) {
    this.cachedBytes += entry.bytes?.length ?? 0
  }

  /**
   * Drops the oldest of what is cached, if that is too much. Between two nodes only: what one node reads may be more
   * than the limit, and has to be here all together.
   */
  trim(): void {
    if (this.cachedBytes <= this.limit) return
    for (const [instance, entry] of this.entries) {
      if (this.cachedBytes <= this.limit / 2) return
      if (entry.pins > 0 || entry.ahead) continue
      this.entries.delete(instance)
      this.cachedBytes -= entry.bytes?.length ?? 0
    }
  }
}

/** From so many encoded bytes on, decoding costs more than looking whether somebody has done it. */
const LARGE_BYTES = 16_384

/**
 * Large values that some worker of this process has: the others need not decode them again. Held weakly, so that they
 * go when nobody uses them.
 */
export class SharedValues {
  private readonly values = new Map<InstanceId, WeakRef<object>>()

  get(instance: InstanceId): object | undefined {
    return this.values.get(instance)?.deref()
  }

  add(
    instance: InstanceId,
    { bytes, value }: { readonly bytes: Uint8Array | undefined; readonly value: unknown }
  ): void {
    if (bytes === undefined || bytes.length < LARGE_BYTES || typeof value !== "object" || value === null)
      return
    if (this.get(instance) === undefined) this.values.set(instance, new WeakRef(value))
  }
}
