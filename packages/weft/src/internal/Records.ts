/**
 * Runs that the history remembers, for people: found by the beginning of their ids.
 */
import { Details } from "@weft/metrics"
import { History } from "@weft/storage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { AmbiguousRun } from "./RunErrors.ts"

/** A run of which the history says nothing, or nothing that can be shown. */
export class NotRecorded extends Data.TaggedError("NotRecorded")<{
  readonly run: string
  readonly problem: string
}> {
  override get message() {
    return `run ${this.run} cannot be shown: ${this.problem}`
  }
}

/** So many of the newest runs are looked through. */
const MOST = 10_000

/** The run with this id, or the only one whose id begins so, and what was recorded with it. */
export const find = Effect.fnUntraced(function* (given: string) {
  const history = yield* History
  const found = (yield* history.runs({ limit: MOST })).filter(({ run }) => run.startsWith(given))
  const record = found.find(({ run }) => run === given) ?? found[0]
  if (record === undefined) {
    return yield* new NotRecorded({
      run: given,
      problem:
        "the history has no such run. `weft runs` lists those that it has; runs are recorded when they have ended"
    })
  }
  if (record.run !== given && found.length > 1)
    return yield* new AmbiguousRun({ run: given, candidates: found.map(({ run }) => run).sort() })
  const bytes = yield* history.details(record.run)
  if (bytes === undefined) {
    return yield* new NotRecorded({
      run: record.run,
      problem:
        "nothing was measured of it (`metrics: false`), or its workers were lost with what they had measured"
    })
  }
  return yield* Effect.try({
    try: () => ({ record, details: Details.decode(bytes) }),
    catch: (cause) =>
      new NotRecorded({
        run: record.run,
        problem: `${cause instanceof Error ? cause.message : String(cause)}. Show it by the version of weft that recorded it`
      })
  })
})
