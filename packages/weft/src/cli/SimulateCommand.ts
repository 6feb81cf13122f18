/**
 * `weft simulate`: what a workflow would take under several planners, without running it.
 */
import type { Predictions } from "@weft/core"
import type { Simulator } from "@weft/planning"
import { History } from "@weft/storage"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Planning from "../internal/Planning.ts"
import { failed, usage } from "./CliFailure.ts"
import { explained } from "./Explain.ts"
import { type HistoryGiven, historyPlaceFlags, knownHistory } from "./HistoryPlaces.ts"
import * as Input from "./Input.ts"
import * as Json from "./Json.ts"
import { concurrency, engine } from "./Places.ts"
import * as PlannerFile from "./PlannerFile.ts"
import * as Result from "./Result.ts"
import { file, input } from "./RunCommand.ts"
import * as Session from "./Session.ts"
import { styleFor } from "./Style.ts"
import * as WorkflowFile from "./WorkflowFile.ts"

const flags = {
  file,
  input,
  engine,
  concurrency,
  ...historyPlaceFlags,
  planner: Flag.String("planner").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("NAME|PATH,…"),
    Flag.withDescription(
      `The planners to compare, with commas between them: ${PlannerFile.names.join(", ")}, or modules (default: simple,uniform,report2)`
    ),
    Flag.withDefault("simple,uniform,report2")
  ),
  sla: Flag.String("sla").pipe(
    Flag.withMetavar("average|pNN"),
    Flag.withDescription("By what the best planner is told: the mean makespan, or a percentile such as p90"),
    Flag.withDefault("average")
  ),
  samples: Flag.Int("samples").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("How many runs to simulate for each planner (default: by size, 4 to 100)"),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("What chance begins with: the same seed gives the same figures"),
    Flag.withDefault(1)
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Draw the comparison: a picture (.svg)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print the comparison as JSON, and nothing else"),
    Flag.withDefault(false),
    Flag.withoutNegation
  )
}

/** The command. */
export const simulateCommand = Command.make("simulate", flags, (options) =>
  Effect.scoped(
    simulate({
      ...options,
      input: Option.getOrUndefined(options.input),
      concurrency: Option.getOrUndefined(options.concurrency),
      samples: Option.getOrUndefined(options.samples),
      out: Option.getOrUndefined(options.out)
    })
  ).pipe(explained)
).pipe(
  Command.withShortDescription("Compare planners for a workflow, without running it"),
  Command.withDescription(
    "Plans a workflow with several planners and simulates each plan: how long the run should take, what it should cost, how " +
      "much goes through stores. No task is run: how long tasks take is predicted from earlier runs, else from hints that they " +
      "have. Costs are those of AWS Lambda on x86."
  ),
  Command.withExamples([
    {
      command: "weft simulate flow.ts --engine lambda --planner simple,uniform,report2",
      description: "A table"
    },
    {
      command: "weft simulate flow.ts --planner uniform,./mine.ts --out compared.svg",
      description: "A planner of one's own, and a picture: when each worker runs what"
    },
    {
      command: "weft simulate flow.ts --sla p90 --json | jq '.planners[].makespanMs.p90'",
      description: "For other programs"
    }
  ])
)

interface Options extends HistoryGiven {
  readonly file: string
  readonly input: string | undefined
  readonly engine: string
  readonly concurrency: number | undefined
  readonly planner: string
  readonly sla: string
  readonly samples: number | undefined
  readonly seed: number
  readonly out: string | undefined
  readonly json: boolean
}

const simulate = Effect.fnUntraced(function* (options: Options) {
  const { concurrency, engine, json, out, samples, seed } = options
  const given = yield* Input.parse(options.input)
  const sla = yield* slaOf(options.sla)
  if (samples !== undefined && !(samples >= 1 && samples <= MOST_SAMPLES))
    return yield* usage(`--samples ${samples}: name a number from 1 to ${MOST_SAMPLES}`)
  if (out !== undefined && !/\.svg$/i.test(out))
    return yield* usage(`--out ${out}: a picture is an SVG; name a file that ends with .svg`)
  yield* Result.checkFile(out)
  const names = [...new Set(options.planner.split(",").map((name) => name.trim()))].filter(
    (name) => name !== ""
  )
  if (names.length === 0) return yield* usage("--planner names no planner")
  const choices = yield* Effect.forEach(names, PlannerFile.choose)
  const session = yield* Session.open(true)
  const job = yield* WorkflowFile.job(options.file, given)
  if (job.graph.size === 0)
    return yield* failed("the workflow has nothing to run: its result is there without any task")
  // Loaded when it is asked for: other commands need nothing of it.
  const Comparing = yield* Effect.promise(() => import("../simulate/Comparing.ts"))
  const SimulationText = yield* Effect.promise(() => import("./SimulationText.ts"))
  const { environment, predictions } = yield* Planning.knownOf(job.graph, {
    engine: { name: engine, parallelism: concurrency }
  }).pipe(Effect.provideService(History, yield* knownHistory(options)))
  const compared = yield* Comparing.compare(
    { graph: job.graph, predictions, environment, samples, seed },
    choices.map((choice, i) => ({ ...choice, name: names[i]! }))
  ).pipe(
    Effect.catchTag(
      ["TooLarge", "SimulationFailed"],
      (error: Simulator.TooLarge | Simulator.SimulationFailed) => failed(error.message)
    )
  )
  const about = { workflow: job.name, engine, sla, runs: predictions.runs }
  if (json) {
    yield* Effect.promise(() =>
      session.stdout(`${Json.stringify(SimulationText.json(compared, about), 2)}\n`)
    )
  } else {
    const style = styleFor(process.stdout)
    yield* Effect.promise(() =>
      session.stdout(`${SimulationText.lines(compared, about, style).join("\n")}\n`)
    )
  }
  if (out === undefined) return
  const { picture } = yield* Effect.promise(() => import("../simulate/Picture.ts"))
  yield* Result.writeFile(out, () => picture(compared, about))
})

const MOST_SAMPLES = 10_000

/** `average`, or `p` and a percentile. */
const slaOf = (text: string) =>
  Effect.suspend(() => {
    if (text === "average") return Effect.succeed<Predictions.Sla>("average")
    const percent = /^p(\d{1,2}(?:\.\d+)?)$/.exec(text)
    const share = Number(percent?.[1]) / 100
    return share > 0 && share < 1
      ? Effect.succeed<Predictions.Sla>(share)
      : Effect.fail(usage(`--sla ${text}: write average, or a percentile such as p50, p90 or p99`))
  })
