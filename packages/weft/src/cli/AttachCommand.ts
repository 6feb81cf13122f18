/**
 * `weft resume` and `weft watch`: runs that another process began.
 */
import { RunCancelled, RunFailed } from "@weft/core"
import { Command } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { attachTo, type WatchHandle, watchOf } from "../attach.ts"
import type { EngineName } from "../internal/Engines.ts"
import { UnknownRun } from "../internal/RunErrors.ts"
import * as Runs from "../internal/Runs.ts"
import { ended, exitCode } from "./CliFailure.ts"
import { explained } from "./Explain.ts"
import { failureLines } from "./FailureText.ts"
import { type DeploymentGiven, deploymentFlags, engineOf } from "./LambdaFlags.ts"
import * as Outcome from "./Outcome.ts"
import {
  concurrency,
  connect,
  engine,
  neededPlace,
  on,
  type Place,
  type StoreGiven,
  storeFlags
} from "./Places.ts"
import * as Result from "./Result.ts"
import { run } from "./RunsCommand.ts"
import * as Session from "./Session.ts"
import { endLine } from "./SummaryText.ts"

/** The command `weft resume`. */
export const resumeCommand = Command.make(
  "resume",
  { run, ...storeFlags, engine, concurrency, ...deploymentFlags, ...Outcome.outcomeFlags },
  (options) =>
    Effect.scoped(
      resume({
        ...options,
        concurrency: Option.getOrUndefined(options.concurrency),
        out: Option.getOrUndefined(options.out)
      })
    ).pipe(explained)
).pipe(
  Command.withShortDescription("Go on with a run whose process died"),
  Command.withDescription(
    "Goes on with a run where it is, as the process that began it would have done: starts workers, waits, prints the " +
      "result. A run that has ended meanwhile gives its result. The workflow's file must be where it was."
  ),
  Command.withExamples([
    { command: "weft resume mf3k2a9c --store redis://localhost:6379", description: "In this process" },
    { command: "weft resume mf3k2a9c --engine processes", description: "The store is in WEFT_STORE" }
  ])
)

/** The command `weft watch`. */
export const watchCommand = Command.make("watch", { run, ...storeFlags }, (options) =>
  Effect.scoped(watch(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Watch a run that another process sees to"),
  Command.withDescription(
    "Shows how far a run is and what its tasks write, until it ends. The run is not touched: Ctrl-C ends the watching " +
      "only, and the result goes to whoever waits for it."
  ),
  Command.withExamples([
    {
      command: "weft watch mf3k2a9c --store redis://localhost:6379",
      description: "The beginning of an id will do"
    }
  ])
)

interface ResumeOptions extends StoreGiven, DeploymentGiven, Outcome.OutcomeOptions {
  readonly run: string
  readonly engine: EngineName
  readonly concurrency: number | undefined
}

/** Connects, and finds the run. */
const find = Effect.fnUntraced(function* (place: Place, given: string) {
  const store = yield* connect(place)
  return { store, state: yield* on(store, Runs.find(given)) }
})

const resume = Effect.fnUntraced(function* (options: ResumeOptions) {
  yield* Result.checkFile(options.out)
  const place = yield* neededPlace(options)
  const { state } = yield* find(place, options.run)
  const session = yield* Session.open(options.quiet)
  const { concurrency, engine } = options
  const on = yield* Effect.promise(() => engineOf(engine, concurrency, options))
  const all = { ...place, engine: on, ...(concurrency === undefined ? {} : { concurrency }) }
  const what = {
    workflow: state.workflow,
    total: state.instances,
    about: `again on ${engine}`,
    place: undefined
  }
  yield* Outcome.follow(session, options, () =>
    session.begin(what, (onEvent) => attachTo(state.run, { ...all, output: "ignore" }, onEvent))
  )
})

const watch = Effect.fnUntraced(function* (options: StoreGiven & { readonly run: string }) {
  const place = yield* neededPlace(options)
  const { state } = yield* find(place, options.run)
  const session = yield* Session.open(false)
  const what = { workflow: state.workflow, total: state.instances, about: "elsewhere", place: undefined }
  const { failures, summary } = yield* Effect.tryPromise({
    try: async () =>
      seen(
        await session.watch(what, (onEvent) => watchOf(state.run, { ...place, output: "ignore" }, onEvent))
      ),
    catch: (error) => error
  })
  session.end()
  session.say(failureLines(failures, process.cwd(), session.style))
  session.say([endLine(summary, session.style)])
  if (summary.status !== "succeeded") return yield* ended(exitCode.failed)
})

/** Waits for the end. */
const seen = async (handle: WatchHandle) => {
  await using run = handle
  try {
    await run.ended()
  } catch (error) {
    if (error instanceof RunFailed) return { failures: error.failures, summary: await run.summary() }
    // Its client may have removed it already; how it ended was told by then, if it was at all.
    if (!(error instanceof RunCancelled || error instanceof UnknownRun)) throw error
  }
  return { failures: [], summary: await run.summary() }
}
