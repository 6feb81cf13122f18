/**
 * `weft show`: what was planned for a run that has ended, and what became of it.
 */
import { History } from "@weft/storage"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Records from "../internal/Records.ts"
import { NotRecorded } from "../internal/Records.ts"
import * as Comparison from "../show/Comparison.ts"
import { explained } from "./Explain.ts"
import { type HistoryGiven, historyPlaceFlags, openHistory } from "./HistoryPlaces.ts"
import * as Json from "./Json.ts"
import * as Result from "./Result.ts"
import { run } from "./RunsCommand.ts"
import { headline, numbers, showLines } from "./ShowText.ts"
import { write } from "./Streams.ts"
import { styleFor } from "./Style.ts"

const flags = {
  run,
  ...historyPlaceFlags,
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write a picture to a file: planned above real, a row for each worker (SVG)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print a JSON object with the same numbers, and nothing else"),
    Flag.withDefault(false),
    Flag.withoutNegation
  )
}

/** The command. */
export const showCommand = Command.make("show", flags, (options) =>
  Effect.scoped(show({ ...options, out: Option.getOrUndefined(options.out) })).pipe(explained)
).pipe(
  Command.withShortDescription("Show what was planned for a run, and what became of it"),
  Command.withDescription(
    "Shows a run that has ended: where its time went, task by task and worker by worker, beside what its plan had predicted."
  ),
  Command.withExamples([
    { command: "weft show mf3k2a9c", description: "The beginning of an id will do" },
    { command: "weft show mf3k2a9c --out run.svg", description: "As a picture" },
    {
      command: "weft show mf3k2a9c --store redis://localhost:6379",
      description: "A run on a store, which has its history"
    }
  ])
)

interface Options extends HistoryGiven {
  readonly run: string
  readonly out: string | undefined
  readonly json: boolean
}

const show = Effect.fnUntraced(function* (options: Options) {
  yield* Result.checkFile(options.out)
  const { history } = yield* openHistory(options)
  const { details, record } = yield* Effect.provideService(Records.find(options.run), History, history)
  const recorded = yield* Effect.try({
    try: () => Comparison.read(details),
    catch: (cause) => new NotRecorded({ run: record.run, problem: (cause as Error).message })
  })
  const comparison = Comparison.make(recorded, record)
  if (options.out !== undefined) {
    const { facts, nameOf, path, plan } = recorded
    const { svg } = yield* Effect.promise(() => import("../show/Gantt.ts"))
    const picture = yield* Effect.promise(() =>
      svg({
        facts,
        plan,
        nameOf,
        critical: new Set(path.map(({ fact }) => fact)),
        title: headline(comparison),
        subtitle: numbers(comparison)
      })
    )
    yield* Result.writeFile(options.out, () => picture)
  }
  const text = options.json
    ? Json.stringify(comparison)
    : showLines(comparison, styleFor(process.stdout)).join("\n")
  yield* Effect.promise(() => write("stdout", `${text}\n`))
})
