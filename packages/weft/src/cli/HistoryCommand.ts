/**
 * `weft history`: what is known of past runs, kept, carried and pruned.
 */
import { closeSync, createReadStream, openSync, writeSync } from "node:fs"
import { Summaries } from "@weft/metrics"
import { History } from "@weft/storage"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as HistoryLines from "../internal/HistoryLines.ts"
import { type CliFailure, ended, exitCode, failed, usage } from "./CliFailure.ts"
import { explained } from "./Explain.ts"
import { evaluateCommand } from "./HistoryEvaluate.ts"
import { type HistoryGiven, historyPlaceFlags, openHistory } from "./HistoryPlaces.ts"
import * as Json from "./Json.ts"
import { time } from "./Places.ts"
import * as Result from "./Result.ts"
import { write } from "./Streams.ts"
import { styleFor } from "./Style.ts"
import { table } from "./Table.ts"
import { clock, count, counted, duration } from "./Units.ts"

const print = (text: string) => Effect.promise(() => write("stdout", text))
const note = (text: string) => Effect.promise(() => write("stderr", text))

const listCommand = Command.make(
  "list",
  {
    ...historyPlaceFlags,
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print a JSON object, { workflows, tasks }, and nothing else"),
      Flag.withDefault(false),
      Flag.withoutNegation
    )
  },
  (options) => Effect.scoped(list(options)).pipe(explained)
).pipe(
  Command.withShortDescription("What is known: workflows and their runs, tasks and their samples"),
  Command.withDescription(
    "Lists the workflows whose runs are recorded, and the tasks of which it is known how long they take."
  ),
  Command.withExamples([
    { command: "weft history list", description: "Of this project" },
    { command: "weft history list --store redis://localhost:6379", description: "Of all who use this store" }
  ])
)

const exportCommand = Command.make(
  "export",
  {
    ...historyPlaceFlags,
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("Write to a file instead of stdout"),
      Flag.optional
    )
  },
  (options) => Effect.scoped(exportTo(options, Option.getOrUndefined(options.out))).pipe(explained)
).pipe(
  Command.withShortDescription("Write all of it as lines of JSON"),
  Command.withDescription(
    "Writes records of runs, their details, and what was learned from them, as lines of JSON; weft history import reads them."
  ),
  Command.withExamples([
    { command: "weft history export --out history.jsonl", description: "To keep it, or to share it" },
    {
      command: `weft history export | jq -r '.record | select(. != null) | [.workflow, .makespanMs] | @csv'`,
      description: "For other programs"
    }
  ])
)

const importCommand = Command.make(
  "import",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("What weft history export wrote; - for standard input")
    ),
    ...historyPlaceFlags,
    replace: Flag.Boolean("replace").pipe(
      Flag.withDescription(
        "Also replace what was learned about the same tasks and workflows (default: it is left as it is)"
      ),
      Flag.withDefault(false),
      Flag.withoutNegation
    )
  },
  (options) => Effect.scoped(importFrom(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Add what was exported elsewhere"),
  Command.withDescription(
    "Adds what weft history export wrote. Records of the same run are replaced. What was learned about a task or a workflow " +
      "is added only where nothing is known yet, unless --replace is given: it cannot be merged without counting runs twice. " +
      "Lines that are wrong are named, and do not stop the others."
  ),
  Command.withExamples([
    { command: "weft history import history.jsonl", description: "To this project" },
    {
      command: "weft history export | weft history import - --store redis://localhost:6379",
      description: "From this project to a store"
    }
  ])
)

const pruneCommand = Command.make(
  "prune",
  {
    ...historyPlaceFlags,
    keep: Flag.Int("keep").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Keep only the newest so many runs of each workflow"),
      Flag.filter(
        (n) => n >= 0,
        () => "0 or more"
      ),
      Flag.optional
    ),
    older: time("older").pipe(Flag.withDescription("Remove runs that began longer ago: 30d"), Flag.optional)
  },
  (options) => Effect.scoped(prune(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Remove old records of runs"),
  Command.withDescription(
    "Removes records of runs with their details: those that are too many, or too old. What was learned from them stays. " +
      "(The newest 1,000 of each workflow are kept anyway, with the details of 100.)"
  ),
  Command.withExamples([
    { command: "weft history prune --older 30d", description: "What began more than 30 days ago" },
    { command: "weft history prune --keep 50", description: "All but the newest 50 of each workflow" }
  ])
)

/** The command `weft history`. */
export const historyCommand = Command.make("history").pipe(
  Command.withShortDescription("What past runs have measured, to plan by"),
  Command.withDescription(
    "What past runs have measured, to plan by: list, export, import and prune it, and see how good it is."
  ),
  Command.withSubcommands([listCommand, exportCommand, importCommand, pruneCommand, evaluateCommand]),
  Command.withExamples([
    { command: "weft history list", description: "What is known" },
    { command: "weft history prune --older 30d", description: "Remove what is old" }
  ])
)

const list = Effect.fnUntraced(function* (options: HistoryGiven & { readonly json: boolean }) {
  const { history, isThere, name } = yield* openHistory(options)
  const { tasks, unreadable, workflows } = isThere ? yield* known(history) : NOTHING
  if (options.json) return yield* print(`${Json.stringify({ workflows, tasks })}\n`)
  const style = styleFor(process.stdout)
  const right = { align: "right" } as const
  const sections = [
    ...(workflows.length === 0
      ? []
      : [
          table(
            [{ format: "bold" }, right, right, right],
            [
              ["workflow", "runs", "last began", "last took"],
              ...workflows.map(({ begunAt, makespanMs, runs, workflow }) => [
                workflow,
                count(runs),
                `${clock(Math.max(0, Date.now() - begunAt))} ago`,
                duration(makespanMs)
              ])
            ],
            style
          )
        ]),
    ...(tasks.length === 0
      ? []
      : [
          table(
            [{ format: "bold" }, right, right],
            [
              ["task", "runs", "samples"],
              ...tasks.map(({ runs, samples, task }) => [task, count(runs), count(samples)])
            ],
            style
          )
        ])
  ]
  yield* print(sections.map((lines) => `${lines.join("\n")}\n`).join("\n"))
  if (sections.length === 0) yield* note(`There is no history in ${name} yet\n`)
  if (unreadable > 0)
    yield* note(
      `${counted(unreadable, "record")} of another version of weft, or damaged, ${unreadable === 1 ? "is" : "are"} passed over\n`
    )
})

/** What is known of a workflow's runs. */
interface KnownWorkflow {
  readonly workflow: string
  readonly runs: number
  /** Of the last one. */
  readonly begunAt: number
  readonly makespanMs: number
}

/** What is known of how long a task takes. */
interface KnownTask {
  readonly task: string
  readonly runs: number
  readonly samples: number
}

const NOTHING = {
  workflows: [] as ReadonlyArray<KnownWorkflow>,
  tasks: [] as ReadonlyArray<KnownTask>,
  unreadable: 0
}

const known = Effect.fnUntraced(function* (history: History["Service"]) {
  const records = yield* history.runs({ limit: Number.POSITIVE_INFINITY })
  const workflows = [...Map.groupBy(records, ({ workflow }) => workflow)].map(
    ([workflow, [last, ...others]]): KnownWorkflow => ({
      workflow,
      runs: 1 + others.length,
      begunAt: last!.begunAt,
      makespanMs: last!.makespanMs
    })
  )
  const keys = yield* history.keys
  const summaries = yield* history.summaries(keys)
  const prefix = Summaries.taskKey("")
  const tasks = summaries.flatMap((summary, i): ReadonlyArray<KnownTask> => {
    const decoded = summary && Summaries.decode(summary.bytes)
    if (decoded?.kind !== "task") return []
    const { cold, runs, warm } = decoded.task
    const samples = [...cold.cells, ...warm.cells].reduce((sum, { sketch }) => sum + sketch.count, 0)
    return [{ task: keys[i]!.slice(prefix.length), runs, samples }]
  })
  return {
    workflows,
    tasks: tasks.toSorted((a, b) => (a.task < b.task ? -1 : 1)),
    unreadable: yield* history.unreadable
  }
})

const exportTo = Effect.fnUntraced(function* (options: HistoryGiven, out: string | undefined) {
  yield* Result.checkFile(out)
  const { history, isThere, name } = yield* openHistory(options)
  if (!isThere) return yield* failed(`there is no history in ${name}`)
  const put = out === undefined ? (text: string) => print(text) : yield* openFile(out)
  let lines = 0
  yield* Stream.runForEach(HistoryLines.lines, (line) => {
    lines++
    return put(`${line}\n`)
  }).pipe(Effect.provideService(History, history))
  if (out !== undefined) yield* note(`wrote ${counted(lines, "line")} to ${out}\n`)
})

/** Opens a file that is written piece by piece until the scope closes. */
const openFile = (file: string) => {
  const orFailed = <A>(work: () => A) =>
    Effect.try({
      try: work,
      catch: (error) => failed(`--out ${file}: it could not be written: ${(error as Error).message}`)
    })
  return Effect.map(
    Effect.acquireRelease(
      orFailed(() => openSync(file, "w")),
      (opened) => Effect.sync(() => closeSync(opened))
    ),
    (opened) => (text: string) => Effect.asVoid(orFailed(() => writeSync(opened, text)))
  )
}

const importFrom = Effect.fnUntraced(function* (
  options: HistoryGiven & { readonly file: string; readonly replace: boolean }
) {
  const { file, replace } = options
  const from = file === "-" ? "standard input" : file
  const { history, name } = yield* openHistory(options)
  const imported = yield* HistoryLines.add(linesOf(file), replace).pipe(
    Effect.provideService(History, history),
    Effect.catchTag("NoHistory", ({ problem }) => failed(`${from}: ${problem}`))
  )
  const { left, records, summaries, wrong } = imported
  for (const { line, problem } of wrong) yield* note(`${from}:${line}: ${problem}\n`)
  yield* note(
    `added ${counted(records, "record")} and what was learned of ${counted(summaries, "task or workflow", "tasks and workflows")} to ${name}\n`
  )
  if (left > 0)
    yield* note(
      `left what was learned of ${counted(left, "task or workflow", "tasks and workflows")} as it is: with --replace the file's is taken\n`
    )
  if (wrong.length === 0) return
  yield* note(
    `passed over ${counted(wrong.length, "line")} that ${wrong.length === 1 ? "is" : "are"} wrong\n`
  )
  return yield* ended(exitCode.failed)
})

/** A file's lines, of which few are held at a time. */
const linesOf = (file: string) =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable<Uint8Array, CliFailure>(
      file === "-" ? process.stdin : createReadStream(file),
      (error) => failed(`${file}: it could not be read: ${(error as Error).message}`)
    )
  ).pipe(Stream.decodeText, Stream.splitLines)

const prune = Effect.fnUntraced(function* (
  options: HistoryGiven & {
    readonly keep: Option.Option<number>
    readonly older: Option.Option<number>
  }
) {
  const keep = Option.getOrUndefined(options.keep)
  const older = Option.getOrUndefined(options.older)
  if (keep === undefined && older === undefined)
    return yield* usage("say what is to be removed: --older 30d, --keep 50, or both")
  const { history, isThere, name } = yield* openHistory(options)
  const removed = isThere
    ? yield* history.prune({
        ...(keep === undefined ? {} : { keep }),
        ...(older === undefined ? {} : { before: Date.now() - older })
      })
    : 0
  yield* note(`removed ${removed === 0 ? "nothing" : counted(removed, "record")} from ${name}\n`)
})
