/**
 * How far a run has come: counted from its events, shown by `ProgressText.ts`.
 */
import type { RunEvent } from "../Events.ts"

/** A task that is known to be running. */
export interface RunningCall {
  readonly node: string
  readonly worker: string
  /** When it began, in ms of the clock that {@link Progress} was given. */
  readonly since: number
}

/** Over how long the rate is taken, and how often it is sampled, in ms. */
const WINDOW_MS = 5000
const SAMPLE_MS = 250

/** How far a run has come. Times are in ms, from any clock. */
export class Progress {
  done = 0
  total: number
  retries = 0
  lost = 0
  /** Since when the store has not answered, as far as it does not. */
  unreachableSince: number | undefined
  readonly workflow: string
  readonly startedAt: number
  /** What is known to be running, the oldest first. Workers tell of a part of what they begin. */
  readonly running = new Map<string, RunningCall>()
  private samples: Array<{ readonly at: number; readonly done: number }>

  constructor(workflow: string, total: number, now: number) {
    this.workflow = workflow
    this.total = total
    this.startedAt = now
    this.samples = [{ at: now, done: 0 }]
  }

  add(event: RunEvent, now: number): void {
    switch (event.type) {
      case "started":
        this.running.set(event.node, { node: event.node, worker: event.worker, since: now })
        break
      case "completed":
        for (const { node } of event.nodes) this.running.delete(node)
        this.done += event.nodes.length
        this.total = event.total
        this.sample(now)
        break
      case "retry":
        this.retries++
        break
      case "lost":
        this.lost++
        for (const call of this.running.values())
          if (call.worker === event.worker) this.running.delete(call.node)
        break
      case "progress":
        this.done = event.completed
        this.total = event.total
        // What was done before is no sign of how fast it goes now.
        this.samples = [{ at: now, done: this.done }]
        break
      case "unreachable":
        this.unreachableSince = now
        break
      case "reachable":
        this.unreachableSince = undefined
        break
      case "ended":
        this.running.clear()
        break
      case "output":
        break
    }
  }

  private sample(now: number) {
    if (now - this.samples.at(-1)!.at < SAMPLE_MS) return
    this.samples.push({ at: now, done: this.done })
    const old = this.samples.findIndex(({ at }) => at >= now - WINDOW_MS)
    if (old > 1) this.samples = this.samples.slice(old - 1)
  }

  /** Completions per second, over the last seconds; `undefined` before there is anything to say. */
  rate(now: number): number | undefined {
    const from = this.samples.findLast(({ at }) => at <= now - WINDOW_MS) ?? this.samples[0]!
    const ms = now - from.at
    return this.done === 0 || ms < SAMPLE_MS ? undefined : ((this.done - from.done) / ms) * 1000
  }
}
