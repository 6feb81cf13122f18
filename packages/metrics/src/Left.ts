/**
 * Left: which environments the last runs have left warm, and for how long such stay so.
 *
 * How long an environment is kept is the platform's secret, so it is learned: a run whose first worker of a size began warm
 * shows that environments are kept at least as long as the break before it was; one that began cold though environments were
 * left, that they are not.
 */
import * as Schema from "effect/Schema"
import type { Facts, WorkerFact } from "./Facts.ts"

const Moment = Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 8.64e15 })))
const Count = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))

/** How many environments of each memory size (MiB). */
const Sizes = Schema.Array(Schema.Tuple([Schema.Finite, Count]))

export const Left = Schema.Struct({
  /** Whether there are environments at all, which workers find cold or warm. */
  kept: Schema.Boolean,
  /** When the last run began and ended, in ms since the epoch. */
  begunAt: Moment,
  endedAt: Moment,
  /** Whether what earlier runs had left was known to be gone when it began. */
  isFresh: Schema.optionalKey(Schema.Boolean),
  sizes: Sizes,
  /** Sizes whose first worker in that run began cold, and warm. */
  firstCold: Schema.Array(Schema.Finite),
  firstWarm: Schema.Array(Schema.Finite),
  /** The longest break after which environments were still warm, the shortest after which they were not: in ms. */
  warmAfterMs: Schema.optionalKey(Moment),
  coldAfterMs: Schema.optionalKey(Moment)
})
export type Left = typeof Left.Type

/** As long as nothing else is known, environments stay for five minutes, the least that is reported of AWS Lambda. */
const KEPT_MS = 300_000

/** Where there are no environments, no start is a cold one. */
const PLENTY = Number.MAX_SAFE_INTEGER

export const of = ({ begunAt, isFresh = false, workers }: Facts): Left => {
  const sized = workers.filter((worker) => worker.cold !== undefined && hasTimes(worker))
  const bySize = [...Map.groupBy(sized, ({ memory }) => memory ?? 0)]
  const first = bySize.map(([memory, own]) => ({
    memory,
    cold: own.reduce((a, b) => (b.beganMs < a.beganMs ? b : a)).cold
  }))
  const began = begunAt >= 0 && begunAt <= 8e15 ? begunAt : 0
  return {
    kept: sized.length > 0,
    begunAt: began,
    ...(isFresh ? { isFresh } : {}),
    endedAt: began + sized.reduce((latest, { endedMs }) => Math.max(latest, endedMs), 0),
    sizes: bySize.map(([memory, own]) => {
      const cold = own.filter((worker) => worker.cold).length
      return [memory, Math.min(1_000_000, Math.max(cold, atOnce(own)))]
    }),
    firstCold: first.filter(({ cold }) => cold).map(({ memory }) => memory),
    firstWarm: first.filter(({ cold }) => !cold).map(({ memory }) => memory)
  }
}

const hasTimes = ({ beganMs, endedMs, memory }: WorkerFact) =>
  Number.isFinite(memory ?? 0) && beganMs >= 0 && endedMs >= beganMs && endedMs < 1e12

/** How many of them ran at the same moment. */
const atOnce = (workers: ReadonlyArray<WorkerFact>): number => {
  const changes = workers
    .flatMap(({ beganMs, endedMs }) => [
      { at: beganMs, by: 1 },
      { at: endedMs, by: -1 }
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let [now, most] = [0, 0]
  for (const { by } of changes) most = Math.max(most, (now += by))
  return most
}

export const merge = (old: Left, delta: Left): Left => {
  if (!delta.kept) return old
  if (!old.kept) return delta
  const [earlier, later] = old.begunAt <= delta.begunAt ? [old, delta] : [delta, old]
  const breakMs = later.begunAt - earlier.endedAt
  const left = new Set(earlier.sizes.flatMap(([memory, count]) => (count > 0 ? [memory] : [])))
  // What is gone for another reason says nothing of for how long it would have been kept.
  const isGone = later.isFresh === true
  const isAfter = breakMs > 0 && !isGone
  const wasWarm = isAfter && later.firstWarm.some((memory) => left.has(memory))
  const wasCold = isAfter && !wasWarm && later.firstCold.some((memory) => left.has(memory))
  // The latest observation is right where two contradict each other.
  let warmAfterMs = greatest(old.warmAfterMs, delta.warmAfterMs)
  let coldAfterMs = least(old.coldAfterMs, delta.coldAfterMs)
  if (wasWarm) {
    warmAfterMs = greatest(warmAfterMs, breakMs)
    if (coldAfterMs !== undefined && coldAfterMs <= breakMs) coldAfterMs = undefined
  }
  if (wasCold) {
    coldAfterMs = least(coldAfterMs, breakMs)
    if (warmAfterMs !== undefined && warmAfterMs >= breakMs) warmAfterMs = undefined
  }
  const keptMs = keptFor(warmAfterMs, coldAfterMs)
  const sizes = new Map(later.sizes)
  // What the earlier run has left and the later did not need is still there.
  if (breakMs <= keptMs && !isGone)
    for (const [memory, count] of earlier.sizes) sizes.set(memory, Math.max(count, sizes.get(memory) ?? 0))
  return {
    kept: true,
    begunAt: later.begunAt,
    endedAt: Math.max(later.endedAt, earlier.endedAt),
    ...(isGone ? { isFresh: true } : {}),
    sizes: [...sizes],
    firstCold: later.firstCold,
    firstWarm: later.firstWarm,
    ...(warmAfterMs === undefined ? {} : { warmAfterMs }),
    ...(coldAfterMs === undefined ? {} : { coldAfterMs })
  }
}

/** How many warm environments of a size there should be. */
export const warm = (left: Left, memory: number, now: number): number => {
  if (!left.kept) return PLENTY
  if (now - left.endedAt > keptFor(left.warmAfterMs, left.coldAfterMs)) return 0
  return left.sizes.find(([size]) => size === memory)?.[1] ?? 0
}

const keptFor = (warmAfterMs = 0, coldAfterMs = Number.POSITIVE_INFINITY) =>
  Math.max(warmAfterMs, Math.min(KEPT_MS, coldAfterMs))

const greatest = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)

const least = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)
