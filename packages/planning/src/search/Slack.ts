/**
 * Slack: by how much each instance may end later without the run ending later, from one pass backwards over a timeline.
 *
 * What follows an instance is what waits for its value, and what its worker runs next. A child that waited for another
 * parent leaves the time between these two; what the worker runs next leaves the time until it began.
 */
import type { Model } from "../Model.ts"
import type { Timeline } from "../Timeline.ts"

/** Less slack than this is none: sums of floating point numbers. */
export const NO_SLACK_MS = 1e-6

export interface Slack {
  /** By instance, in ms. */
  readonly ms: Float64Array
  /** Instances in order of time. */
  readonly order: Uint32Array
}

/** O(n log n). Bounded by what the timeline shows: a change within it is to be checked by one evaluation. */
export const slack = ({ unrolled }: Model, { after, endMs, makespanMs, place, startMs }: Timeline): Slack => {
  const { children, size } = unrolled
  const order = Uint32Array.from({ length: size }, (_, i) => i).sort(
    (a, b) => startMs[a]! - startMs[b]! || endMs[a]! - endMs[b]! || a - b
  )
  let last = 0
  for (let i = 0; i < size; i++) last = Math.max(last, endMs[i]!)
  // The last call of coordination is not slack.
  const until = Math.min(last, makespanMs)
  const ms = new Float64Array(size).fill(until)
  const next = new Map<number, number>()
  for (let k = size - 1; k >= 0; k--) {
    const i = order[k]!
    let least = Math.max(0, until - endMs[i]!)
    for (let e = children.start[i]!; e < children.start[i + 1]!; e++) {
      const child = children.list[e]!
      const by = after[child]!
      // The one that was waited for had to pass on the value, too: only what it was later by is free.
      const free = by === i || by === -1 ? 0 : Math.max(0, Math.min(startMs[child]!, endMs[by]!) - endMs[i]!)
      least = Math.min(least, ms[child]! + free)
    }
    // What no target waits for may never run.
    if (place[i]! < 0) continue
    const follower = next.get(place[i]!)
    if (follower !== undefined) {
      const free = after[follower] === i ? 0 : Math.max(0, startMs[follower]! - endMs[i]!)
      least = Math.min(least, ms[follower]! + free)
    }
    next.set(place[i]!, i)
    ms[i] = least
  }
  return { ms, order }
}
