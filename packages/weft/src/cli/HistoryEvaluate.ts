/**
 * `weft history evaluate`: how good predictions are that are made from a history.
 */
import { Evaluate } from "@weft/metrics"
import { History } from "@weft/storage"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { explained } from "./Explain.ts"
import { type HistoryGiven, historyPlaceFlags, openHistory } from "./HistoryPlaces.ts"
import * as Json from "./Json.ts"
import { write } from "./Streams.ts"
import { type Style, styleFor } from "./Style.ts"
import { table } from "./Table.ts"
import { count, counted, percent } from "./Units.ts"

const flags = {
  workflow: Flag.String("workflow").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Only runs of this workflow (default: of all)"),
    Flag.optional
  ),
  runs: Flag.Int("runs").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Only the newest so many (default: 100)"),
    Flag.filter(
      (n) => n >= 1,
      () => "1 or more"
    ),
    Flag.withDefault(100)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print a JSON object, and nothing else"),
    Flag.withDefault(false),
    Flag.withoutNegation
  )
}

/** What the flags were given. */
interface Given extends HistoryGiven {
  readonly workflow: Option.Option<string>
  readonly runs: number
  readonly json: boolean
}

/** The command `weft history evaluate`. */
export const evaluateCommand = Command.make("evaluate", { ...historyPlaceFlags, ...flags }, (options) =>
  Effect.scoped(evaluate(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Say how good predictions are"),
  Command.withDescription(
    "Predicts each run of the history from all the others, and says by how much the predictions are off: the median and " +
      "the 90th percentile of the error, and which share of what happened was below the predicted 50th and 90th " +
      "percentile. Makespans are compared with what had been predicted before each run."
  ),
  Command.withExamples([
    { command: "weft history evaluate", description: "All workflows" },
    {
      command: "weft history evaluate --workflow mandelbrot --json | jq .makespans",
      description: "One of them, for other programs"
    }
  ])
)

const evaluate = Effect.fnUntraced(function* (options: Given) {
  const { json, runs, workflow } = options
  const { history, isThere } = yield* openHistory(options)
  const query = { limit: runs, ...(Option.isSome(workflow) ? { workflow: workflow.value } : {}) }
  const past = isThere ? yield* Effect.provideService(Evaluate.load(query), History, history) : []
  const found = Evaluate.evaluate(past)
  const text = json
    ? Json.stringify({ ...found, records: past.length })
    : evaluationLines(found, past.length, styleFor(process.stdout)).join("\n")
  yield* Effect.promise(() => write("stdout", `${text}\n`))
})

/** An evaluation as people read it. */
export const evaluationLines = (
  { makespans, quantities, runs }: Evaluate.Evaluation,
  records: number,
  style: Style
): ReadonlyArray<string> => {
  if (records === 0) return ["The history has no runs: there is nothing to evaluate"]
  const head = ["compared", "median error", "P90 error", "below P50", "below P90"]
  const cells = ({ below50, below90, compared, medianError, p90Error }: Evaluate.Accuracy) =>
    compared === 0
      ? ["0", "", "", "", ""]
      : [count(compared), ...[medianError, p90Error, below50, below90].map(percent)]
  const right = head.map(() => ({ align: "right" as const }))
  const kinds = table(
    [{ format: "bold" }, ...right, { align: "right" }],
    [
      ["each predicted from other runs", ...head, "unpredicted"],
      ...quantities.map(({ accuracy, quantity }) => [
        quantity === "output" ? "output size" : quantity,
        ...cells(accuracy),
        count(accuracy.unpredicted)
      ])
    ],
    style
  )
  const whole = table(
    [{ format: "bold" }, {}, ...right],
    [
      ["makespan", "planner", ...head],
      ...makespans.map(({ accuracy, planner, workflow }) => [workflow, planner, ...cells(accuracy)])
    ],
    style
  )
  return [
    `${counted(records, "run")}, ${count(runs)} with details`,
    ...(quantities.length === 0 ? [] : ["", ...kinds]),
    "",
    ...(makespans.length === 0 ? ["No makespan was predicted: that takes runs after the first"] : whole)
  ]
}
