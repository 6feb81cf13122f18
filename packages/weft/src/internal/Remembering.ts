/**
 * What is remembered of a run: recorded after whoever waits for its result has it, and before the process ends. A history
 * that cannot be used does not make a run fail; people are told once.
 */
import { setTimeout } from "node:timers/promises"
import { History, type StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as HistoryPlace from "./HistoryPlace.ts"

/** A run's history. */
export interface Memory {
  /** Of which nothing fails: what cannot be read is not there, what cannot be written is lost. */
  readonly history: History["Service"]
  /** What was wrong with it, if anything. */
  readonly problem: () => string | undefined
}

/**
 * The history of a run.
 *
 * @param own that of its store. Batches are always there: that is where workers put them
 */
export const memoryOf = (place: HistoryPlace.Place, own: History["Service"]): Memory => {
  const chosen = HistoryPlace.historyOf(place)
  return forgiving(chosen === undefined ? own : beside(own, chosen))
}

/** Records and summaries are elsewhere, batches with the run. */
const beside = (own: History["Service"], chosen: History["Service"]): History["Service"] =>
  History.of({
    ...chosen,
    record: (record, details) =>
      Effect.andThen(chosen.record(record, details), Effect.ignore(own.remove(record.run))),
    remove: (run) => Effect.andThen(chosen.remove(run), own.remove(run)),
    upload: own.upload,
    batches: own.batches
  })

const forgiving = (history: History["Service"]): Memory => {
  let problem: string | undefined
  // Who has failed once is not waited for again.
  const or =
    <A>(instead: A) =>
    (operation: Effect.Effect<A, StoreError>): Effect.Effect<A> =>
      Effect.suspend(() =>
        problem === undefined
          ? Effect.catch(operation, ({ detail, operation }) => {
              problem = `the history could not ${operation}: ${detail}`
              return Effect.succeed(instead)
            })
          : Effect.succeed(instead)
      )
  const { batches, details, prune, record, remove, removeSummaries, replace, runs, summaries, upload } =
    history
  return {
    problem: () => problem,
    history: History.of({
      record: (...args) => or<void>(undefined)(record(...args)),
      runs: (query) => or<Effect.Success<ReturnType<typeof runs>>>([])(runs(query)),
      unreadable: or(0)(history.unreadable),
      details: (run) => or<Uint8Array | undefined>(undefined)(details(run)),
      remove: (run) => or<void>(undefined)(remove(run)),
      prune: (which) => or(0)(prune(which)),
      summaries: (keys) =>
        or<Effect.Success<ReturnType<typeof summaries>>>(keys.map(() => undefined))(summaries(keys)),
      // Who is told that it was replaced does not try again.
      replace: (...args) => or(true)(replace(...args)),
      keys: or<ReadonlyArray<string>>([])(history.keys),
      removeSummaries: (keys) => or<void>(undefined)(removeSummaries(keys)),
      upload: (...args) => or<void>(undefined)(upload(...args)),
      batches: (run) => or<ReadonlyArray<Uint8Array>>([])(batches(run))
    })
  }
}

/** How long remembering may take, in ms. */
const PATIENCE_MS = 20_000

/** What has not been begun yet. */
const waiting = new Set<() => void>()
/** What has not ended yet. */
const pending = new Set<Promise<unknown>>()
let isListening = false

/**
 * Remembers a run.
 *
 * @param isSoon not at once, but when whoever waits for the run's result has gone on
 * @returns what went wrong, if anything
 */
export const remember = async (
  { history, problem }: Memory,
  work: Effect.Effect<void, StoreError, History>,
  isSoon: boolean
): Promise<string | undefined> => {
  const begin = () => Effect.runPromise(Effect.provideService(work, History, history))
  const over = new AbortController()
  const late = setTimeout(PATIENCE_MS, "it does not answer", { ref: false, signal: over.signal })
  const done = Promise.race([isSoon ? soon(begin) : begin(), late]).catch(String)
  pending.add(done)
  const failed = await done
  pending.delete(done)
  over.abort()
  return problem() ?? (failed === undefined ? undefined : `the history could not record a run: ${failed}`)
}

const soon = (begin: () => Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const start = () => {
      if (waiting.delete(start)) begin().then(resolve, reject)
    }
    waiting.add(start)
    setImmediate(start)
    if (isListening) return
    isListening = true
    process.once("exit", () => {
      // Who calls `process.exit` has no more turns: a file can be written to at once.
      for (const start of waiting) start()
      HistoryPlace.close()
    })
  })

/** Waits until all that has ended in this process is remembered: what comes next may be planned from it. */
export const settled = async (): Promise<void> => {
  for (const start of waiting) start()
  while (pending.size > 0) await Promise.allSettled(pending)
}

const told = new Set<string>()

/** Tells people what is wrong with the history, once. */
export const warn = (problem: string): void => {
  if (told.has(problem)) return
  told.add(problem)
  process.emitWarning(problem, { code: "WEFT_HISTORY" })
}
