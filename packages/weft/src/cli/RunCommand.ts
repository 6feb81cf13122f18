/**
 * `weft run`: runs a workflow, shows how far it is, and gives its result.
 */
import { type Failure, RunCancelled, RunFailed } from "@weft/core"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { RunHandle } from "../internal/Handle.ts"
import type { Summary } from "../Summary.ts"
import { ended, exitCode, failed } from "./CliFailure.ts"
import { explained } from "./Explain.ts"
import { failureLines } from "./FailureText.ts"
import * as Input from "./Input.ts"
import * as Json from "./Json.ts"
import * as PlannerFile from "./PlannerFile.ts"
import * as Result from "./Result.ts"
import * as Session from "./Session.ts"
import { hasColors } from "./Style.ts"
import { summaryLines } from "./SummaryText.ts"
import * as WorkflowFile from "./WorkflowFile.ts"

/** The workflow's file, for every command that takes one. */
export const file = Argument.String("file").pipe(
  Argument.withDescription("A module whose default export is a workflow (.ts, .js)")
)

/** The workflow's input, for every command that takes one. */
export const input = Flag.String("input").pipe(
  Flag.withAlias("i"),
  Flag.withMetavar("JSON|@FILE"),
  Flag.withDescription("The workflow's input: JSON, a file of JSON as @file, or @- for standard input"),
  Flag.optional
)

const flags = {
  file,
  input,
  engine: Flag.Literals("engine", ["inline", "threads"]).pipe(
    Flag.withAlias("e"),
    Flag.withDescription("Where tasks run: in this process, or on threads (default: inline)"),
    Flag.withDefault("inline" as const)
  ),
  planner: Flag.String("planner").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("NAME|PATH"),
    Flag.withDescription(
      `Who plans: ${PlannerFile.names.join(", ")}, or a module that exports a planner and its behaviours (default: simple)`
    ),
    Flag.withDefault("simple")
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withAlias("c"),
    Flag.withMetavar("N"),
    Flag.withDescription("How many workers may be active at once (default: the engine's)"),
    Flag.filter(
      (n) => n >= 1,
      () => "1 or more"
    ),
    Flag.optional
  ),
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

/** The command. */
export const runCommand = Command.make("run", flags, (options) =>
  Effect.scoped(
    run({
      ...options,
      input: Option.getOrUndefined(options.input),
      concurrency: Option.getOrUndefined(options.concurrency),
      out: Option.getOrUndefined(options.out)
    })
  ).pipe(explained)
).pipe(
  Command.withShortDescription("Run a workflow and print its result"),
  Command.withDescription(
    "Runs a workflow. The result goes to stdout; progress, what tasks write to the console, and the summary go to stderr."
  ),
  Command.withExamples([
    { command: "weft run flow.ts", description: "Run a workflow that takes no input" },
    { command: `weft run flow.ts --input '{"pages": 3}'`, description: "Give it an input" },
    {
      command: "weft run flow.ts --input @input.json --engine threads",
      description: "An input from a file; compute on all cores"
    },
    { command: "weft run flow.ts --json --quiet | jq .result", description: "For other programs" },
    {
      command: "weft run flow.ts --planner ./planner.ts --out result.cbor",
      description: "With a planner of your own"
    }
  ])
)

interface Options {
  readonly file: string
  readonly input: string | undefined
  readonly engine: "inline" | "threads"
  readonly planner: string
  readonly concurrency: number | undefined
  readonly out: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

const run = Effect.fnUntraced(function* (options: Options) {
  const given = yield* Input.parse(options.input)
  yield* Result.checkFile(options.out)
  const session = yield* Session.open(options.quiet)
  const planner = yield* PlannerFile.choose(options.planner)
  const job = yield* WorkflowFile.job(options.file, given)
  const { concurrency, engine } = options
  const outcome = yield* Effect.tryPromise({
    try: async () =>
      settle(
        await session.begin(job, planner, { engine, ...(concurrency === undefined ? {} : { concurrency }) })
      ),
    catch: (error) => error
  })
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

type Outcome =
  | { readonly status: "succeeded"; readonly result: unknown; readonly summary: Summary }
  | {
      readonly status: "failed" | "cancelled"
      readonly failures: ReadonlyArray<Failure.Failure>
      readonly summary: Summary
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
  { json, out, quiet }: Options,
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
