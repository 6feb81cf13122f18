/**
 * `--history`, for every command that has to do with what past runs measured; and the use of a history by a command.
 */
import { existsSync } from "node:fs"
import { relative } from "node:path"
import { History } from "@weft/storage"
import * as Config from "effect/Config"
import { Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as HistoryPlace from "../internal/HistoryPlace.ts"
import { usage } from "./CliFailure.ts"
import { connect, neededPlace, on, placeOf, type StoreGiven, storeFlags } from "./Places.ts"

/** `--history`. */
export const historyFlags = {
  history: Flag.String("history").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(
      "Where it is kept what runs measure, to plan by: a file, file for .weft/history.sqlite in the project, store, or none " +
        "(default: WEFT_HISTORY, else store with a --store, else file)"
    ),
    Flag.withFallbackConfig(Config.String("WEFT_HISTORY")),
    Flag.optional
  )
}

/** `--store`, `--objects` and `--history`, for commands about a history. */
export const historyPlaceFlags = { ...storeFlags, ...historyFlags }

/** What the flag was given. */
export interface HistoryGiven extends StoreGiven {
  readonly history: Option.Option<string>
}

/** The option `history` of a run; nothing if the flag was not given. */
export const historyOption = ({ history }: Pick<HistoryGiven, "history">): { readonly history?: string } => {
  const given = Option.getOrUndefined(history)
  return given === undefined || given === "" ? {} : { history: given }
}

/** A history that a command can use until its scope closes. */
interface Opened {
  readonly history: History["Service"]
  /** As people are told. */
  readonly name: string
  /** Whether there is anything at all. */
  readonly isThere: boolean
}

/** What is known to plan by: the history that was named, if there is one. */
export const knownHistory = (given: HistoryGiven): Effect.Effect<History["Service"], unknown, Scope.Scope> =>
  Effect.suspend(() => {
    const { kind } = HistoryPlace.placeOf(historyOption(given).history, placeOf(given)?.store)
    return kind === "memory"
      ? Effect.succeed(History.makeMemory())
      : Effect.map(openHistory(given), ({ history }) => history)
  })

/** The history that was named. */
export const openHistory = Effect.fnUntraced(function* (
  given: HistoryGiven
): Effect.fn.Return<Opened, unknown, Scope.Scope> {
  const store = placeOf(given)
  const place = yield* Effect.try({
    try: () => HistoryPlace.placeOf(historyOption(given).history, store?.store),
    catch: (error) => error
  })
  if (place.kind === "memory")
    return yield* usage(
      "with `none` no history is kept: name its file with --history, or its store with --store and --history store"
    )
  if (place.kind === "file") {
    const name = relative(process.cwd(), place.file)
    const history = HistoryPlace.historyOf(place)!
    yield* Effect.addFinalizer(() => Effect.sync(HistoryPlace.close))
    return { history, name: name.startsWith("..") ? place.file : name, isThere: existsSync(place.file) }
  }
  const connection = yield* connect(yield* neededPlace(given))
  return { history: yield* on(connection, History), name: connection.stores.name, isThere: true }
})
