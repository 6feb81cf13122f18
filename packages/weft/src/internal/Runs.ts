/**
 * The runs of a store, for people: found by the beginning of their ids, cancelled, cleaned away.
 */
import { Coordination, ObjectStore, type RunState, Streams } from "@weft/storage"
import * as Effect from "effect/Effect"
import { AmbiguousRun, UnknownRun } from "./RunErrors.ts"

/** All runs, the newest first, and the store's clock in ms. */
export const list = Effect.gen(function* () {
  const coordination = yield* Coordination
  const [runs, now] = yield* Effect.all([coordination.runs, clock], { concurrency: 2 })
  return { runs: runs.toSorted((a, b) => b.begunAt - a.begunAt), now }
})

/** Every answer has the store's time, also the one that there is no such run. */
const clock = Effect.gen(function* () {
  const coordination = yield* Coordination
  return (yield* coordination.renew("clock", [])).now
})

/** The run with this id, or the only one whose id begins so. */
export const find = Effect.fnUntraced(function* (given: string) {
  const coordination = yield* Coordination
  const state = yield* coordination.state(given)
  if (state.status !== "gone") return state
  const found = (yield* coordination.runs).filter(({ run }) => run.startsWith(given))
  const [only, ...others] = found
  if (only === undefined) return yield* new UnknownRun({ run: given })
  if (others.length === 0) return only
  return yield* new AmbiguousRun({ run: given, candidates: found.map(({ run }) => run).sort() })
})

/**
 * Cancels a run.
 *
 * @returns how the run was before
 */
export const cancel = Effect.fnUntraced(function* (given: string, reason: string) {
  const coordination = yield* Coordination
  const state = yield* find(given)
  if (state.status === "running") yield* coordination.cancel(state.run, reason)
  return state
})

/** Whether nobody will miss a run: it ended, or was last heard of, more than `olderMs` ago. */
const isStale = ({ endedAt, heardAt }: RunState, now: number, olderMs: number) =>
  now - (endedAt ?? heardAt) > olderMs

/**
 * Removes runs that ended long ago and whose result nobody has fetched, and running ones of which nobody has been heard
 * for as long. Each is looked at again right before it is removed: somebody may have gone on with it.
 *
 * @param olderMs how long is long, in ms
 * @param isDry only tells what would be removed
 * @returns what was removed
 */
export const clean = Effect.fnUntraced(function* (olderMs: number, isDry: boolean) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const streams = yield* Streams
  const { now, runs } = yield* list
  const stale = runs.filter((run) => isStale(run, now, olderMs))
  if (isDry) return { now, removed: stale }
  const removed: Array<RunState> = []
  for (const { run } of stale) {
    const state = yield* coordination.state(run)
    if (state.status === "gone" || !isStale(state, now, olderMs)) continue
    yield* coordination.remove(run)
    yield* streams.removeRun(run)
    yield* objects.removeRun(run)
    removed.push(state)
  }
  return { now, removed }
})
