/**
 * Gets what the workers of one process measure of a run to the history, when the run's strategy says so (what each
 * promises: see `UploadStrategy`).
 *
 * One upload is on its way at a time; what is recorded meanwhile goes with the next. The history never fails a run, nor
 * holds it up for long: what cannot be uploaded is tried again with the next batch, and the oldest dropped if it becomes too
 * much.
 */
import type { History, UploadStrategy } from "@weft/storage"
import * as Effect from "effect/Effect"
import { Recorder } from "./Recorder.ts"

/** Beyond so many nodes they are uploaded in any case, to bound memory. */
const MOST_QUEUED = 65_536
/** Workers that stop within so many ms in one process share an upload. */
const TOGETHER_MS = 100
/** How long an upload may take, in ms, and how long after one that failed nobody waits for another. */
const PATIENCE_MS = 1000
const PAUSE_MS = 1000
/** Batches that could not be uploaded are kept up to so many bytes. */
const MOST_WAITING_BYTES = 16 * 2 ** 20

/** What one process measures of a run. */
export class Recording {
  readonly recorder = new Recorder()
  private readonly run: string
  private readonly strategy: UploadStrategy
  private history: History["Service"] | undefined
  private waiting: Array<Uint8Array> = []
  private running: Promise<void> | undefined
  private next: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  private sentAt = performance.now()
  private failedAt = Number.NEGATIVE_INFINITY

  constructor(run: string, strategy: UploadStrategy) {
    this.run = run
    this.strategy = strategy
  }

  /** Where to upload to, as soon as that is known. */
  uses(history: History["Service"]): void {
    this.history ??= history
  }

  /** Something was recorded. */
  recorded(): void {
    const { strategy } = this
    const { queued } = this.recorder
    if (queued >= MOST_QUEUED) this.send()
    else if (typeof strategy === "string") return
    else if ("queued" in strategy) {
      if (queued >= strategy.queued) this.send()
    } else this.sendLater(strategy.everyMs)
  }

  /** What comes before coordination is told of completions, if anything does. */
  get beforeTelling(): Effect.Effect<void> | undefined {
    return this.strategy === "task" && !this.isPausing ? this.flush : undefined
  }

  /** A worker has stopped. */
  stopped(): void {
    this.sendLater(this.sentAt + TOGETHER_MS - performance.now())
  }

  /** Uploads all that is recorded. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() =>
    this.history === undefined ? Effect.void : Effect.promise(() => this.flushed())
  )

  private send(): void {
    void this.flushed()
  }

  private sendLater(ms: number): void {
    if (ms <= 0) this.send()
    else this.timer ??= setTimeout(() => this.send(), ms).unref()
  }

  private get isPausing(): boolean {
    return performance.now() < this.failedAt + PAUSE_MS
  }

  private flushed(): Promise<void> {
    if (this.running === undefined) {
      this.running = this.sendAll().finally(() => {
        this.running = undefined
      })
      return this.running
    }
    // What was recorded since that one took what there was needs another.
    this.next ??= this.running.then(() => {
      this.next = undefined
      return this.flushed()
    })
    return this.next
  }

  private async sendAll(): Promise<void> {
    const { history, recorder, waiting } = this
    if (history === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.sentAt = performance.now()
    const batch = recorder.take(performance.timeOrigin + this.sentAt)
    if (batch !== undefined) waiting.push(batch)
    while (waiting.length > 0) {
      const upload = Effect.timeout(history.upload(this.run, waiting[0]!), PATIENCE_MS)
      if (
        !(await Effect.runPromise(
          Effect.matchCause(upload, { onSuccess: () => true, onFailure: () => false })
        ))
      ) {
        this.failedAt = performance.now()
        this.dropOldest()
        return
      }
      waiting.shift()
    }
  }

  private dropOldest(): void {
    let bytes = this.waiting.reduce((sum, { length }) => sum + length, 0)
    while (bytes > MOST_WAITING_BYTES) bytes -= this.waiting.shift()!.length
  }
}
