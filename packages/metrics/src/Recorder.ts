/**
 * What the workers of one process measure of a run, until it is uploaded.
 *
 * A node costs one row of columns, and no object. Lives of workers are few; each says in the end what it took in all.
 */
import type { InstanceId } from "@weft/core"
import type { Measure } from "@weft/storage"
import * as Batch from "./Batch.ts"
import { Columns, type Read } from "./Columns.ts"
import { Spread } from "./Spread.ts"
import { StoreClock } from "./StoreClock.ts"

/** How a life of a worker began. Moments are ms since the epoch. */
export interface Beginning {
  readonly worker: string
  readonly named: boolean
  /** In MiB; `undefined` where workers have no sizes. */
  readonly memory: number | undefined
  /** When its invocation was sent, by the store's clock. */
  readonly sentAt: number | undefined
  /** By this process's clock. */
  readonly beganAt: number
  readonly cold: boolean | undefined
  /** How long loading the run and its code took, in ms. */
  readonly loadMs: number
}

/** So many calls of coordination are timed first, and each so manieth after them: of many a sample will do. */
const TIMED = { first: 256, each: 8 }

const NOTHING_READ: Read = { cameBytes: 0, preloadedBytes: 0, preloadedMs: 0 }

export class Recorder {
  readonly clock = new StoreClock()
  private readonly process = crypto.randomUUID()
  private batches = 0
  private begun = 0
  private nodes = new Columns()
  private changed: Array<Life> = []
  private refused: Array<readonly [number, InstanceId]> = []
  private encoded: Array<readonly [InstanceId, number]> = []
  private widths: Array<readonly [InstanceId, number]> = []
  private calls = 0
  /** Lives that have not ended. */
  active = 0
  /** How many executions have begun. */
  executions = 0

  /** Nodes that are not in a batch yet. */
  get queued(): number {
    return this.nodes.length
  }

  begin(beginning: Beginning): Life {
    this.active++
    const life = new Life(this, this.begun++, beginning)
    this.touch(life)
    return life
  }

  add(
    life: Life,
    instance: InstanceId,
    attempt: number,
    measure: Measure,
    read: Read,
    processorMs: number,
    publishMs: number
  ): void {
    this.touch(life)
    this.nodes.record(instance, life.number, attempt, measure, read, processorMs, publishMs)
  }

  /** Whether the next call of coordination is to be timed. */
  isTiming(): boolean {
    const { each, first } = TIMED
    return this.calls++ < first || this.calls % each === 0
  }

  /** A life has news. */
  touch(life: Life): void {
    if (life.hasNews) return
    life.hasNews = true
    this.changed.push(life)
  }

  refuse(life: Life, instance: InstanceId): void {
    this.refused.push([life.number, instance])
  }

  encode(instance: InstanceId, bytes: number): void {
    this.encoded.push([instance, bytes])
  }

  /** A list was opened. */
  opened(expand: InstanceId, width: number): void {
    this.widths.push([expand, width])
  }

  /** Takes all that there is since the last time as a batch; `undefined` if that is nothing. */
  take(now: number): Uint8Array | undefined {
    if (this.nodes.length + this.changed.length + this.refused.length === 0) return undefined
    const bytes = Batch.encode({
      process: this.process,
      number: this.batches++,
      offsetMs: this.clock.offsetMs,
      lives: this.changed.map((life) => life.told(now)),
      nodes: this.nodes.data(),
      refused: this.refused,
      encoded: this.encoded,
      widths: this.widths
    })
    this.nodes = new Columns()
    this.changed = []
    this.refused = []
    this.encoded = []
    this.widths = []
    return bytes
  }
}

/** One life of a worker. */
export class Life {
  readonly recorder: Recorder
  readonly number: number
  private readonly beginning: Beginning
  private endedAt: number | undefined
  /** Whether there is something that {@link told} has not said. */
  hasNews = false
  private readonly calls = new Spread()
  private readonly invokes = new Spread()
  roundTrips = 0
  prewarmed = 0
  bytesRead = 0
  bytesWritten = 0

  constructor(recorder: Recorder, number: number, beginning: Beginning) {
    this.recorder = recorder
    this.number = number
    this.beginning = beginning
  }

  /**
   * A node is complete.
   *
   * @param processorMs NaN if it was not measured
   */
  node(
    instance: InstanceId,
    attempt: number,
    measure: Measure,
    read: Read | undefined,
    processorMs: number,
    publishMs: number
  ): void {
    this.recorder.add(this, instance, attempt, measure, read ?? NOTHING_READ, processorMs, publishMs)
  }

  /** Others were first to complete these. */
  refused(instances: ReadonlyArray<InstanceId>): void {
    for (const instance of instances) this.recorder.refuse(this, instance)
  }

  /** A value was encoded after its node was complete. */
  encoded(instance: InstanceId, bytes: number): void {
    this.recorder.encode(instance, bytes)
  }

  /** How long a call of coordination took. */
  callTook(ms: number): void {
    this.calls.add(ms)
  }

  /** Invocations were sent, in `ms` together. */
  invoked(count: number, ms: number): void {
    if (count > 0) this.invokes.add(ms / count)
  }

  end(at: number): void {
    if (this.endedAt !== undefined) return
    this.endedAt = at
    this.recorder.active--
    this.recorder.touch(this)
  }

  /** All that is known of it by now. */
  told(now: number): Batch.Life {
    this.hasNews = false
    const { bytesRead, bytesWritten, prewarmed, roundTrips } = this
    return {
      life: this.number,
      ...this.beginning,
      endedAt: this.endedAt ?? now,
      roundTrips,
      callsMs: this.calls.samples,
      invokesMs: this.invokes.samples,
      prewarmed,
      bytesRead,
      bytesWritten
    }
  }
}
