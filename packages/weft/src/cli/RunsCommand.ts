/**
 * `weft runs`, `weft cancel` and `weft clean`: the runs of a store.
 */
import type { RunRecord, RunState } from "@weft/storage"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Runs from "../internal/Runs.ts"
import { failed } from "./CliFailure.ts"
import { explained } from "./Explain.ts"
import { type HistoryGiven, historyPlaceFlags, knownHistory, openHistory } from "./HistoryPlaces.ts"
import * as Json from "./Json.ts"
import { connect, neededPlace, on, placeOf, type StoreGiven, storeFlags, time } from "./Places.ts"
import { write } from "./Streams.ts"
import { type Style, styleFor } from "./Style.ts"
import { table } from "./Table.ts"
import { clock, count, counted, duration } from "./Units.ts"

/** The run, for every command that is about one. */
export const run = Argument.String("run").pipe(
  Argument.withDescription("The run's id, or as much of its beginning as no other run has")
)

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print a JSON list of the runs, and nothing else"),
  Flag.withDefault(false),
  Flag.withoutNegation
)

/** The command `weft runs`. */
export const runsCommand = Command.make("runs", { ...historyPlaceFlags, json }, (options) =>
  Effect.scoped(runs(options)).pipe(explained)
).pipe(
  Command.withShortDescription("List the runs in a store"),
  Command.withDescription(
    "Lists the runs in a store, if one is named, the newest first, with their progress; then those that have ended, as the history has them, " +
      "with what was planned. `weft show` has more of each."
  ),
  Command.withExamples([
    { command: "weft runs --store redis://localhost:6379", description: "What is going on" },
    { command: "weft runs", description: "What has ended here" },
    {
      command: `weft runs --json | jq -r '.[] | select(.status == "failed").run'`,
      description: "For other programs (those that have ended have a makespanMs); the store is in WEFT_STORE"
    }
  ])
)

/** The command `weft cancel`. */
export const cancelCommand = Command.make(
  "cancel",
  {
    run,
    ...storeFlags,
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("TEXT"),
      Flag.withDescription("Why, for whoever waits for the run"),
      Flag.withDefault("`weft cancel` was called")
    )
  },
  (options) => Effect.scoped(cancel(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Cancel a run that another process began"),
  Command.withDescription("Cancels a run: its workers stop, and whoever waits for it is told why."),
  Command.withExamples([
    {
      command: "weft cancel mf3k2a9c --store redis://localhost:6379 --reason 'wrong input'",
      description: "The beginning of an id will do"
    }
  ])
)

/** The command `weft clean`. */
export const cleanCommand = Command.make(
  "clean",
  {
    ...storeFlags,
    older: time("older").pipe(
      Flag.withDescription("For how long nobody must have cared for a run (default: 1h)"),
      Flag.withDefault(3_600_000)
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only print what would be removed"),
      Flag.withDefault(false),
      Flag.withoutNegation
    ),
    json
  },
  (options) => Effect.scoped(clean(options)).pipe(explained)
).pipe(
  Command.withShortDescription("Remove runs that nobody cares for any more"),
  Command.withDescription(
    "Removes runs that have ended and whose result nobody has fetched, and runs of which neither a worker nor a client " +
      "has been heard, each with all its values. Prints what it removed."
  ),
  Command.withExamples([
    { command: "weft clean --dry-run --store redis://localhost:6379", description: "What it would remove" },
    { command: "weft clean --older 2d", description: "The store is in WEFT_STORE" }
  ])
)

const print = (text: string) => Effect.promise(() => write("stdout", text))
const note = (text: string) => Effect.promise(() => write("stderr", text))

const runs = Effect.fnUntraced(function* (options: HistoryGiven & { readonly json: boolean }) {
  const store = placeOf(options) === undefined ? undefined : yield* connect(yield* neededPlace(options))
  // Without a store there is nothing but what has ended.
  const { now, runs } = store === undefined ? { now: Date.now(), runs: [] } : yield* on(store, Runs.list)
  const there = new Set(runs.map(({ run }) => run))
  const { history, name } =
    store === undefined
      ? yield* openHistory(options)
      : { history: yield* knownHistory(options), name: store.stores.name }
  const ended = (yield* history.runs({ limit: MOST_ENDED })).filter(({ run }) => !there.has(run))
  if (options.json) return yield* print(`${Json.stringify([...runs, ...ended])}\n`)
  yield* printRuns(runs, now, false)
  if (ended.length > 0) {
    const space = runs.length > 0 ? [""] : []
    yield* print(`${[...space, ...endedLines(ended, now, styleFor(process.stdout))].join("\n")}\n`)
  }
  if (runs.length + ended.length === 0) yield* note(`There are no runs in ${name}\n`)
})

/** How many runs that have ended are listed: the newest. */
const MOST_ENDED = 20

const cancel = Effect.fnUntraced(function* (
  options: StoreGiven & { readonly run: string; readonly reason: string }
) {
  const store = yield* connect(yield* neededPlace(options))
  const before = yield* on(store, Runs.cancel(options.run, options.reason))
  if (before.status !== "running" && before.status !== "cancelled")
    return yield* failed(`run ${before.run} of ${before.workflow} has ended already: it ${before.status}`)
  yield* print(
    `cancelled ${before.run} of ${before.workflow}: ${count(before.completed)} of ${count(before.instances)} done\n`
  )
})

const clean = Effect.fnUntraced(function* (
  options: StoreGiven & { readonly older: number; readonly dryRun: boolean; readonly json: boolean }
) {
  const store = yield* connect(yield* neededPlace(options))
  const { now, removed } = yield* on(store, Runs.clean(options.older, options.dryRun))
  yield* printRuns(removed, now, options.json)
  const what = removed.length === 0 ? "nothing" : counted(removed.length, "run")
  yield* note(`${options.dryRun ? "would remove" : "removed"} ${what} from ${store.stores.name}\n`)
})

const printRuns = (runs: ReadonlyArray<RunState>, now: number, json: boolean) => {
  if (json) return print(`${Json.stringify(runs)}\n`)
  if (runs.length === 0) return Effect.void
  return print(`${runLines(runs, now, styleFor(process.stdout)).join("\n")}\n`)
}

/** A table of runs. `now` is by the store's clock. */
export const runLines = (runs: ReadonlyArray<RunState>, now: number, style: Style): ReadonlyArray<string> => {
  const ago = (at: number) => `${clock(Math.max(0, now - at))} ago`
  return table(
    [{ format: "bold" }, {}, {}, { align: "right" }, { align: "right" }, { align: "right" }],
    [
      ["run", "workflow", "status", "done", "began", "last heard"],
      ...runs.map(({ begunAt, completed, heardAt, instances, run, status, workflow }) => [
        run,
        workflow,
        status,
        `${count(completed)} of ${count(instances)}`,
        ago(begunAt),
        ago(heardAt)
      ])
    ],
    style
  )
}

/** A table of runs that have ended. */
const endedLines = (records: ReadonlyArray<RunRecord>, now: number, style: Style): ReadonlyArray<string> =>
  table(
    [
      { format: "bold" },
      {},
      {},
      {},
      { align: "right" },
      { align: "right", format: "bold" },
      { align: "right" },
      { align: "right" }
    ],
    [
      ["ended", "workflow", "status", "planner", "nodes", "makespan", "predicted", "began"],
      ...records.map(({ begunAt, instances, makespanMs, planner, predicted, run, status, workflow }) => [
        run,
        workflow,
        status,
        planner,
        count(instances),
        duration(makespanMs),
        predicted === undefined ? "–" : duration(predicted.meanMs),
        `${clock(Math.max(0, now - begunAt))} ago`
      ])
    ],
    style
  )
