/**
 * `weft run`: runs a workflow, shows how far it is, and gives its result.
 */

import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { countInstances } from "../internal/Client.ts"
import type { EngineName } from "../internal/Engines.ts"
import type { Job } from "../internal/Job.ts"
import { submitJob } from "../run.ts"
import { usage } from "./CliFailure.ts"
import * as Deploying from "./Deploying.ts"
import { explained } from "./Explain.ts"
import { type HistoryGiven, historyFlags, historyOption } from "./HistoryPlaces.ts"
import * as Input from "./Input.ts"
import { type DeploymentGiven, deploymentFlags, deploymentOf, engineOf, role } from "./LambdaFlags.ts"
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

/** Who plans, for every command that makes plans. */
export const planner = Flag.String("planner").pipe(
  Flag.withAlias("p"),
  Flag.withMetavar("NAME|PATH"),
  Flag.withDescription(
    `Who plans: ${PlannerFile.names.join(", ")}, or a module that exports a planner and its behaviours (default: simple)`
  ),
  Flag.withDefault("simple")
)

const flags = {
  file,
  input,
  engine,
  planner,
  concurrency,
  ...storeFlags,
  ...historyFlags,
  lease: time("lease").pipe(
    Flag.withDescription(
      "How long a worker may be silent before it is taken for lost, with a --store (default: 10s)"
    ),
    Flag.optional
  ),
  ...deploymentFlags,
  deploy: Flag.Boolean("deploy").pipe(
    Flag.withDescription(
      "With --engine lambda: bring the functions up to date first (see weft deploy); they use the same --store"
    ),
    Flag.withDefault(false),
    Flag.withoutNegation
  ),
  role,
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
    {
      command: "weft run flow.ts --engine lambda --deploy --store redis://10.0.1.7:6379",
      description: "On AWS Lambda; the functions' role is in WEFT_LAMBDA_ROLE"
    },
    { command: "weft run flow.ts --json --quiet | jq .result", description: "For other programs" },
    {
      command: "weft run flow.ts --planner ./planner.ts --out result.cbor",
      description: "With a planner of your own"
    }
  ])
)

interface Options extends Outcome.OutcomeOptions, DeploymentGiven, HistoryGiven {
  readonly file: string
  readonly input: string | undefined
  readonly engine: EngineName
  readonly planner: string
  readonly concurrency: number | undefined
  readonly lease: number | undefined
  readonly place: Place | undefined
  readonly deploy: boolean
  readonly role: Option.Option<string>
}

const run = Effect.fnUntraced(function* (options: Options) {
  const given = yield* Input.parse(options.input)
  yield* Result.checkFile(options.out)
  const session = yield* Session.open(options.quiet)
  const chosen = yield* PlannerFile.choose(options.planner)
  const job = yield* WorkflowFile.job(options.file, given)
  const planner = options.deploy ? yield* deployed(options, job, chosen, session) : chosen
  const { concurrency, engine, lease, place } = options
  const all = {
    engine: yield* Effect.promise(() => engineOf(engine, concurrency, options)),
    ...planner,
    ...place,
    ...historyOption(options),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(lease === undefined ? {} : { leaseMs: lease })
  }
  const what = { workflow: job.name, total: countInstances(job.graph), about: `on ${engine}`, place }
  yield* Outcome.follow(session, options, () =>
    session.begin(what, (onEvent) => submitJob(job, { ...all, output: "ignore" }, onEvent))
  )
})

/** Brings the functions up to date, and answers with a planner that has planned already. */
const deployed = Effect.fnUntraced(function* (
  { engine, file, place, quiet, ...options }: Options,
  job: Job,
  choice: PlannerFile.Choice,
  session: Session.Session
) {
  if (engine !== "lambda")
    return yield* usage("--deploy goes with --engine lambda: there is nothing to deploy elsewhere")
  if (place === undefined) return choice
  const { memory, plan } = yield* Deploying.planned(job, choice, options)
  const say = (line: string) => {
    if (!quiet) session.say([session.style("dim", line)])
  }
  const given = {
    ...deploymentOf(options),
    role: Option.getOrUndefined(options.role),
    memory,
    check: "changed"
  } as const
  const { warnings } = yield* Deploying.deploy({ file, place, behaviours: choice.behaviours, given, say })
  for (const warning of warnings) say(`warning: ${warning}`)
  return { ...choice, planner: Deploying.planner(choice.planner, plan) }
})
