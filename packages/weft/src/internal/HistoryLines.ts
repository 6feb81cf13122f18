/**
 * A history as lines of JSON, to be kept, or carried from one place to another. The first line says what it is:
 *
 *     {"weft":"history","version":1}
 *     {"record":{"version":2,"run":"…",…},"details":"base64"}     records, the oldest first; details where there are some
 *     {"summary":"task/blur","bytes":"base64"}                    what is learned from runs
 */
import { History, RunRecord, type StoreError } from "@weft/storage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const VERSION = 1

const Header = Schema.fromJsonString(Schema.Struct({ weft: Schema.Literal("history"), version: Schema.Int }))
const RecordLine = Schema.Struct({
  record: RunRecord,
  details: Schema.optionalKey(Schema.Uint8ArrayFromBase64)
})
const SummaryLine = Schema.Struct({ summary: Schema.String, bytes: Schema.Uint8ArrayFromBase64 })

const encodeHeader = Schema.encodeSync(Header)
const encodeRecord = Schema.encodeSync(Schema.fromJsonString(RecordLine))
const encodeSummary = Schema.encodeSync(Schema.fromJsonString(SummaryLine))
const decodeHeader = Schema.decodeUnknownExit(Header)
const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decodeRecord = Schema.decodeUnknownResult(RecordLine)
const decodeSummary = Schema.decodeUnknownResult(SummaryLine)

/** How many summaries are read at once. */
const AT_ONCE = 100

/** The lines of the history, without their ends. What it passes over is not among them. */
export const lines: Stream.Stream<string, StoreError, History> = Stream.unwrap(
  Effect.gen(function* () {
    const history = yield* History
    const records = yield* history.runs({ limit: Number.POSITIVE_INFINITY })
    const keys = (yield* history.keys).toSorted()
    const summaries = Stream.fromIterable(chunks(keys)).pipe(
      Stream.mapEffect((some) =>
        Effect.map(history.summaries(some), (found) =>
          found.flatMap((summary, i) =>
            summary === undefined ? [] : [encodeSummary({ summary: some[i]!, bytes: summary.bytes })]
          )
        )
      ),
      Stream.flatMap(Stream.fromIterable)
    )
    return Stream.make(encodeHeader({ weft: "history", version: VERSION })).pipe(
      Stream.concat(
        Stream.mapEffect(Stream.fromIterable(records.toReversed()), (record) =>
          Effect.map(history.details(record.run), (details) =>
            encodeRecord(details === undefined ? { record } : { record, details })
          )
        )
      ),
      Stream.concat(summaries)
    )
  })
)

const chunks = (keys: ReadonlyArray<string>) =>
  Array.from({ length: Math.ceil(keys.length / AT_ONCE) }, (_, i) =>
    keys.slice(i * AT_ONCE, (i + 1) * AT_ONCE)
  )

/** What is no history as this version writes it. */
export class NoHistory extends Data.TaggedError("NoHistory")<{ readonly problem: string }> {
  override get message() {
    return this.problem
  }
}

/** What became of lines. */
export interface Imported {
  records: number
  summaries: number
  /** Summaries that were left as they were, since there was something under their keys. */
  left: number
  /** Lines that are wrong, by number from 1. */
  readonly wrong: Array<{ readonly line: number; readonly problem: string }>
}

/**
 * Adds what lines say to the history. Records of the same run are replaced. Summaries cannot be merged, since nobody can tell
 * which runs both rest on: those that are there are left, unless they are to be replaced.
 */
export const add = Effect.fnUntraced(function* <E>(
  from: Stream.Stream<string, E>,
  replace: boolean
): Effect.fn.Return<Imported, E | NoHistory | StoreError, History> {
  const imported: Imported = { records: 0, summaries: 0, left: 0, wrong: [] }
  let line = 0
  yield* Stream.runForEach(from, (text) =>
    Effect.suspend((): Effect.Effect<void, NoHistory | StoreError, History> => {
      line++
      if (line === 1) return checkHeader(text)
      return text.trim() === "" ? Effect.void : addLine(text, line, replace, imported)
    })
  )
  if (line === 0) return yield* new NoHistory({ problem: "it is empty" })
  return imported
})

const checkHeader = (text: string): Effect.Effect<void, NoHistory> => {
  const header = decodeHeader(text)
  if (Exit.isFailure(header))
    return new NoHistory({
      problem: 'it is no history that `weft history export` wrote: its first line is not {"weft":"history",…}'
    })
  return header.value.version === VERSION
    ? Effect.void
    : new NoHistory({
        problem:
          `its format is version ${header.value.version}, this version of weft knows ${VERSION}: ` +
          "update weft, or export it again"
      })
}

const addLine = Effect.fnUntraced(function* (
  text: string,
  line: number,
  replace: boolean,
  imported: Imported
) {
  const wrong = ({ message }: { readonly message: string }) =>
    void imported.wrong.push({ line, problem: message.replaceAll(/\s*\n\s*/g, " ") })
  const json = decodeJson(text)
  if (Result.isFailure(json)) return wrong({ message: "it is not JSON" })
  const isSummary = typeof json.success === "object" && json.success !== null && "summary" in json.success
  const history = yield* History
  if (!isSummary) {
    const decoded = decodeRecord(json.success)
    if (Result.isFailure(decoded)) return wrong(decoded.failure)
    yield* history.record(decoded.success.record, decoded.success.details)
    imported.records++
    return
  }
  const decoded = decodeSummary(json.success)
  if (Result.isFailure(decoded)) return wrong(decoded.failure)
  const { bytes, summary: key } = decoded.success
  if (yield* put(key, bytes, replace)) imported.summaries++
  else imported.left++
})

/** Whether it was put there. */
const put = Effect.fnUntraced(function* (key: string, bytes: Uint8Array, replace: boolean) {
  const history = yield* History
  while (true) {
    const [known] = yield* history.summaries([key])
    if (known !== undefined && !replace) return false
    if (yield* history.replace(key, bytes, known?.revision)) return true
  }
})
