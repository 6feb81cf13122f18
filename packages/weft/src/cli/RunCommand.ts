/**
 * `weft run`: runs a workflow, shows how far it is, and gives its result.
 */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { countInstances } from "../internal/Client.ts"
import type { EngineName } from "../internal/Engines.ts"
import { submitJob } from "../run.ts"
import { explained } from "./Explain.ts"
import * as Input from "./Input.ts"
import * as Outcome from "./Outcome.ts"
import { concurrency, engine, type Place, placeOf, storeFlags, time } from "./Places.ts"
import * as PlannerFile from "./PlannerFile.ts"
import * as Result from "./Result.ts"
import * as Session from "./Session.ts"
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
  engine,
  planner: Flag.String("planner").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("NAME|PATH"),
    Flag.withDescription(
      `Who plans: ${PlannerFile.names.join(", ")}, or a module that exports a planner and its behaviours (default: simple)`
    ),
    Flag.withDefault("simple")
  ),
  concurrency,
  ...storeFlags,
  lease: time("lease").pipe(
    Flag.withDescription(
      "How long a worker may be silent before it is taken for lost, with a --store (default: 10s)"
    ),
    Flag.optional
  ),
  ...Outcome.outcomeFlags
}

/** The command. */
export const runCommand = Command.make("run", flags, (options) =>
  Effect.scoped(
    run({
      ...options,
      input: Option.getOrUndefined(options.input),
      concurrency: Option.getOrUndefined(options.concurrency),
      out: Option.getOrUndefined(options.out),
      lease: Option.getOrUndefined(options.lease),
      place: placeOf(options)
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
    {
      command: "weft run flow.ts --engine processes --store redis://localhost:6379",
      description: "In processes of their own; another process can go on with the run, or watch it"
    },
    { command: "weft run flow.ts --json --quiet | jq .result", description: "For other programs" },
    {
      command: "weft run flow.ts --planner ./planner.ts --out result.cbor",
      description: "With a planner of your own"
    }
  ])
)

interface Options extends Outcome.OutcomeOptions {
  readonly file: string
  readonly input: string | undefined
  readonly engine: EngineName
  readonly planner: string
  readonly concurrency: number | undefined
  readonly lease: number | undefined
  readonly place: Place | undefined
}

const run = Effect.fnUntraced(function* (options: Options) {
  const given = yield* Input.parse(options.input)
  yield* Result.checkFile(options.out)
  const session = yield* Session.open(options.quiet)
  const planner = yield* PlannerFile.choose(options.planner)
  const job = yield* WorkflowFile.job(options.file, given)
  const { concurrency, engine, lease, place } = options
  const all = {
    engine,
    ...planner,
    ...place,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(lease === undefined ? {} : { leaseMs: lease })
  }
  const what = { workflow: job.name, total: countInstances(job.graph), about: `on ${engine}`, place }
  yield* Outcome.follow(session, options, () =>
    session.begin(what, (onEvent) => submitJob(job, { ...all, output: "ignore" }, onEvent))
  )
})
