/**
 * Where workers of the fast model run: the limit of how many run at once, and environments that are warm.
 */
import FlatQueue from "flatqueue"
import type { Assignment } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { startOf } from "../Predicted.ts"

export const NOBODY = -1

/** One worker: from its invocation to its end. */
export class Place {
  readonly index: number
  /** The index of its name; `FLEXIBLE` if the plan did not name it. */
  readonly worker: number
  /** In MiB. */
  readonly memory: number
  /** Who invoked it, and whether the invocation carries all that it made of what the work reads. */
  readonly from: number
  isCarried = true
  /** What it begins with; for a named one that which waits for it. */
  work: ReadonlyArray<number>
  /** Whom it invokes before it begins. */
  spawn: ReadonlyArray<Place> = []
  isCold = false
  /** Whether it has used the object store: in a new environment the first time takes longer. */
  isConnected = false
  /** When it was invoked, was ready to work, and ended; in ms. */
  sentMs = 0
  beganMs = 0
  toMs = Number.NaN
  /** What it will run, as linked lists: claimed instances, the newest first; and others, in order. */
  newest = NOBODY
  oldest = NOBODY
  last = NOBODY
  /** The same where the plan has priorities, the lowest first. */
  readonly ranked: FlatQueue<number> | undefined
  /** What it has run last, and until when it is busy with that. */
  ran = NOBODY
  busyMs = 0
  /** What coordination has not been told of, and what it is being told of. */
  untold = NOBODY
  told = NOBODY
  untoldMs = 0
  isTelling = false
  /** Whether it waits until coordination knows everything. */
  drains = false
  /** Since when it waits for work, if it does. */
  idleMs = Number.NaN
  /** For a named worker: what became ready for it, of which it has not heard. */
  inbox: Array<number> = []

  constructor(
    index: number,
    worker: number,
    parts: {
      readonly memory: number
      readonly from: number
      readonly work: ReadonlyArray<number>
      readonly isRanked?: boolean
    }
  ) {
    this.index = index
    this.worker = worker
    this.memory = parts.memory
    this.from = parts.from
    this.work = parts.work
    this.ranked = parts.isRanked ? new FlatQueue() : undefined
  }

  get hasEnded(): boolean {
    return !Number.isNaN(this.toMs)
  }

  get isIdle(): boolean {
    return !Number.isNaN(this.idleMs)
  }

  get hasWork(): boolean {
    return this.newest !== NOBODY || this.oldest !== NOBODY || (this.ranked?.length ?? 0) > 0
  }
}

/** Environments of each memory size that nobody uses, and the limit of concurrency. */
export class Environments {
  private readonly model: Model
  private readonly idle = new Map<number, number>()
  private running = 0
  private readonly waiting: Array<{ readonly place: Place; readonly sentMs: number }> = []
  private next = 0
  coldStarts = 0

  constructor(model: Model, { memory, prewarm }: Assignment) {
    this.model = model
    const sizes = new Set(memory)
    for (const all of prewarm.values()) for (const one of all) sizes.add(one.memory)
    for (const size of sizes) this.idle.set(size, Math.max(0, Math.floor(model.predictions.warm(size))))
  }

  /** A worker wants to run; when it begins, or `undefined` if others have to end before. */
  enter(place: Place, sentMs: number): number | undefined {
    if (this.running >= this.model.environment.concurrency) {
      this.waiting.push({ place, sentMs })
      return undefined
    }
    this.running++
    return this.start(place, sentMs)
  }

  /** A worker leaves its place; who gets it, and when that begins. */
  leave(now: number): { readonly place: Place; readonly atMs: number } | undefined {
    const first = this.waiting[this.next]
    if (first === undefined) {
      this.running--
      return undefined
    }
    this.next++
    return { place: first.place, atMs: this.start(first.place, Math.max(now, first.sentMs)) }
  }

  /** An environment is free for others. */
  free(memory: number, count: number): void {
    this.idle.set(memory, (this.idle.get(memory) ?? 0) + count)
  }

  /** How many environments have to be started so that `count` are there. */
  missing(memory: number, count: number): number {
    return Math.max(0, count - (this.idle.get(memory) ?? 0))
  }

  private start(place: Place, sentMs: number): number {
    const { model } = this
    // One that comes back to its place is there already.
    if (place.isIdle) return sentMs
    const idle = this.idle.get(place.memory) ?? 0
    place.isCold = idle === 0
    if (place.isCold) this.coldStarts++
    else this.idle.set(place.memory, idle - 1)
    place.sentMs = sentMs
    return sentMs + model.startMs(startOf(place), place.memory)
  }
}

const MB_MS_PER_GB_S = 1_024_000

/** Memory times time over all places, the start of cold environments included. Who has not left by the end leaves then. */
export const gbSeconds = (model: Model, places: ReadonlyArray<Place>, endMs: number): number => {
  let sum = 0
  for (const place of places) {
    if (!place.hasEnded) place.toMs = Math.max(endMs, place.sentMs)
    place.beganMs = Math.min(place.beganMs, place.toMs)
    const { beganMs, isCold, memory, toMs } = place
    const cold = isCold ? Math.max(0, model.startMs("cold", memory) - model.startMs("warm", memory)) : 0
    sum += ((toMs - beganMs + cold) * memory) / MB_MS_PER_GB_S
  }
  return sum
}

/** Turns a linked list round that was made newest first; its first. */
export const oldestFirst = (newest: number, next: Int32Array): number => {
  let turned = NOBODY
  for (let at = newest; at !== NOBODY; ) {
    const before = next[at]!
    next[at] = turned
    turned = at
    at = before
  }
  return turned
}
