/**
 * Lets the event loop turn between tasks that compute, so that timers, messages and signals are heard.
 *
 * Workers of one thread take turns: after some time without one, each waits for the event loop to come round, and it
 * comes round once for each of them. Otherwise all that waited would run one after another in the same turn.
 */
import * as Effect from "effect/Effect"

/** For how long, in ms, tasks may keep the event loop from turning between two of them. */
const TURN_MS = 20

let turnedAt = performance.now()
const waiting: Array<() => void> = []

/** Whether it is time to let the event loop turn. */
export const isDue = (): boolean => performance.now() - turnedAt > TURN_MS

/** Waits until the event loop has come round for the caller. */
export const take: Effect.Effect<void> = Effect.callback((resume) => {
  const go = () => resume(Effect.void)
  if (waiting.push(go) === 1) setImmediate(comeRound)
  return Effect.sync(() => {
    const at = waiting.indexOf(go)
    if (at > 0) waiting.splice(at, 1)
  })
})

const comeRound = () => {
  turnedAt = performance.now()
  waiting[0]?.()
  waiting.shift()
  if (waiting.length > 0) setImmediate(comeRound)
}
