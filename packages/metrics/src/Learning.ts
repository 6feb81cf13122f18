/**
 * Learning: what a run has measured goes into the summaries.
 *
 * Many may learn at the same time, in many processes. Each summary is read, merged and put back if nobody else has replaced
 * it meanwhile; who was too late repeats. Each such failure means that somebody else got ahead, so all come to an end.
 */
import { History, type StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Facts } from "./Facts.ts"
import * as Summaries from "./Summaries.ts"

/** So many summaries are written at the same time. */
const AT_ONCE = 16

/**
 * Adds a run to the summaries. To be called once for each run: what is learned twice counts twice.
 *
 * @param calibration what had been predicted of the run, if anything
 */
export const learn = (
  facts: Facts,
  calibration?: Summaries.Calibration
): Effect.Effect<void, StoreError, History> => add(Summaries.summarise(facts, calibration))

/** Adds what had been predicted of a run that was learned from before that was known. To be called once for each run. */
export const calibrate = (
  facts: Facts,
  calibration: Summaries.Calibration
): Effect.Effect<void, StoreError, History> => add(Summaries.calibrate(facts, calibration))

const add = Effect.fn("Learning.add")(function* (
  deltas: ReadonlyMap<string, Summaries.Summary>
): Effect.fn.Return<void, StoreError, History> {
  const history = yield* History
  let waiting = [...deltas]
  while (waiting.length > 0) {
    const found = yield* history.summaries(waiting.map(([key]) => key))
    const merged = waiting.map(([key, delta], i) => {
      const old = found[i]
      const before = old === undefined ? undefined : Summaries.decode(old.bytes)
      return { key, delta, bytes: Summaries.encode(Summaries.merge(before, delta)), revision: old?.revision }
    })
    const done = yield* Effect.forEach(
      merged,
      ({ bytes, key, revision }) => history.replace(key, bytes, revision),
      { concurrency: AT_ONCE }
    )
    waiting = merged.flatMap(({ delta, key }, i) => (done[i] ? [] : [[key, delta] as const]))
    if (waiting.length > 0) yield* Effect.yieldNow
  }
})
