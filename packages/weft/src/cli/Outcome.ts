/**
 * How a run ended, as its user is told: the result to stdout or a file, the summary or what went wrong to stderr.
 */
import { type Failure, RunCancelled, RunFailed } from "@weft/core"
import { Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import type { RunHandle } from "../internal/Handle.ts"
import type { Summary } from "../Summary.ts"
import { CliFailure, ended, exitCode, failed } from "./CliFailure.ts"
import { explain } from "./Explain.ts"
import { failureLines } from "./FailureText.ts"
import * as Json from "./Json.ts"
import * as Result from "./Result.ts"
import type * as Session from "./Session.ts"
import { hasColors } from "./Style.ts"
import { summaryLines } from "./SummaryText.ts"

/** Where the result goes, for every command that gives one. */
export const outcomeFlags = {
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write the result to a file instead: CBOR if it ends with .cbor, else JSON"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object, { status, result, summary }, and nothing else to stdout"),
    Flag.withDefault(false),
    Flag.withoutNegation
  ),
  quiet: Flag.Boolean("quiet").pipe(
    Flag.withAlias("q"),
    Flag.withDescription("No progress, no output of tasks, no summary: the result and errors only"),
    Flag.withDefault(false),
    Flag.withoutNegation
  )
}

/** What the flags of {@link outcomeFlags} were given. */
export interface OutcomeOptions {
  readonly out: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

type Outcome =
  | { readonly status: "succeeded"; readonly result: unknown; readonly summary: Summary }
  | {
      readonly status: "failed" | "cancelled"
      readonly failures: ReadonlyArray<Failure.Failure>
      readonly summary: Summary
    }

/** Begins, or attaches to, a run, waits for its end and tells of it. */
export const follow = Effect.fnUntraced(function* (
  session: Session.Session,
  options: OutcomeOptions,
  begin: () => Promise<RunHandle<unknown>>
) {
  const outcome = yield* Effect.tryPromise({
    try: async () => settle(await begin()),
    catch: (error) => error
  }).pipe(Effect.mapError((error) => interrupted(session, error)))
  session.end()
  if (outcome.status === "succeeded") return yield* deliver(session, options, outcome)
  if (options.json) {
    const { failures, status, summary } = outcome
    const what = status === "failed" ? { status, failures, summary } : { status, summary }
    yield* printJson(session, what)
  }
  session.say(failureLines(outcome.failures, process.cwd(), session.style))
  session.say(summaryLines(outcome.summary, session.style))
  return yield* ended(session.interruptedWith() ?? exitCode.failed)
})

/** Who was interrupted and could not cancel the run is told so, and ends with the code for that. */
const interrupted = (session: Session.Session, error: unknown) => {
  const code = session.interruptedWith()
  if (code === undefined) return error
  const { text } = explain(error, process.cwd())
  return new CliFailure({ code, ...(text === undefined ? {} : { text }) })
}

/** Waits for a run's end. */
const settle = async (handle: RunHandle<unknown>): Promise<Outcome> => {
  await using run = handle
  try {
    const result = await run.result()
    return { status: "succeeded", result, summary: await run.summary() }
  } catch (error) {
    if (error instanceof RunFailed)
      return { status: "failed", failures: error.failures, summary: await run.summary() }
    if (error instanceof RunCancelled)
      return { status: "cancelled", failures: [], summary: await run.summary() }
    throw error
  }
}

const printJson = (session: Session.Session, value: unknown) =>
  Effect.tryPromise({
    try: () => session.stdout(`${Json.stringify(value)}\n`),
    catch: (error) => failed(`the result cannot be printed: ${(error as Error).message}`)
  })

const deliver = Effect.fnUntraced(function* (
  session: Session.Session,
  { json, out, quiet }: OutcomeOptions,
  { result, status, summary }: Outcome & { readonly status: "succeeded" }
) {
  if (out !== undefined) yield* Result.writeResult(out, result)
  if (json) {
    const what = out === undefined ? { status, result, summary } : { status, out, summary }
    yield* printJson(session, what)
  } else if (out === undefined) {
    const text = Result.pretty(result, process.stdout.columns ?? 80, hasColors(process.stdout))
    yield* Effect.promise(() => session.stdout(`${text}\n`))
  }
  if (quiet) return
  const space = out === undefined && process.stdout.isTTY ? [""] : []
  const written = out === undefined ? [] : ["", `The result is in ${out}`]
  session.say([...space, ...summaryLines(summary, session.style), ...written])
})
