/**
 * History in one SQLite file, with `node:sqlite`. Several processes may use it at once: each operation is one transaction.
 *
 * The file is opened by the first operation, and so is whatever is wrong with it said by that. While another process
 * writes, an operation waits without holding up this one, for ten seconds. All time is that of the machine.
 */
import {
  checkPruning,
  decodeRecord,
  encodeRecord,
  History,
  limitOf,
  RETENTION,
  type Retention,
  type RunRecord,
  type StoreError
} from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { HistoryFile, type Row } from "./HistoryFile.ts"

/** Where the history is, and how much of it is kept. */
export interface HistoryOptions extends Partial<Retention> {
  /** Is created if it is not there, and its folder too. */
  readonly file: string
}

/** A history that can be closed. It opens again when it is used again. */
export interface Opened {
  readonly history: History["Service"]
  readonly close: () => void
}

/** History in a file, closed with the layer's scope. */
export const layer = (options: HistoryOptions): Layer.Layer<History> =>
  Layer.effect(
    History,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const { close, history } = make(options, () => clock.currentTimeMillisUnsafe())
      yield* Effect.addFinalizer(() => Effect.sync(close))
      return history
    })
  )

/** The same, not as a layer: for who has no scope, as the end of a process. Nothing is opened yet. */
export const make = ({ file: path, ...retention }: HistoryOptions, now: () => number = Date.now): Opened => {
  const file = new HistoryFile(path)
  const { batchesMs, details: keepDetails, runs: keepRuns } = { ...RETENTION, ...retention }

  const record = (record: RunRecord, text: string, details: Uint8Array | undefined) =>
    file.write("record a run", (ask) => {
      const { run, signature, workflow } = record
      ask("DELETE FROM batches WHERE run = ?", run)
      ask(EXPIRE, now() - batchesMs)
      ask("DELETE FROM runs WHERE run = ?", run)
      ask(
        "INSERT INTO runs (run, workflow, signature, begun, record, details) VALUES (?, ?, ?, ?, ?, ?)",
        ...[run, workflow, signature, record.begunAt, text, details ?? null]
      )
      ask(`DELETE FROM runs WHERE id IN (${olderThan("TRUE")})`, workflow, keepRuns)
      ask(
        `UPDATE runs SET details = NULL WHERE id IN (${olderThan("details IS NOT NULL")})`,
        ...[workflow, keepDetails]
      )
    })

  const history = History.of({
    record: (given, details) => Effect.flatMap(encodeRecord(given), (text) => record(given, text, details)),

    runs: ({ signature, workflow, ...query }) =>
      Effect.flatMap(limitOf(query), (limit) =>
        file.read("read the history", (ask) => {
          const where = [
            ...(workflow === undefined ? [] : [["workflow = ?", workflow] as const]),
            ...(signature === undefined ? [] : [["signature = ?", signature] as const])
          ]
          const conditions = where.length === 0 ? "" : `WHERE ${where.map(([sql]) => sql).join(" AND ")}`
          const found: Array<RunRecord> = []
          const values = where.map(([, value]) => value)
          // What is passed over does not count: so the rows are read until there are enough.
          for (const row of ask.each(`SELECT record FROM runs ${conditions} ${NEWEST_FIRST}`, ...values)) {
            if (found.length >= limit) break
            const record = decodeRecord(row.record)
            if (record !== undefined) found.push(record)
          }
          return found
        })
      ),

    unreadable: file.read("read the history", (ask) => {
      let count = 0
      for (const { record } of ask.each("SELECT record FROM runs")) {
        if (decodeRecord(record) === undefined) count++
      }
      return count
    }),

    details: (run) =>
      file.read("read the history", (ask) =>
        bytesOf(ask("SELECT details AS bytes FROM runs WHERE run = ?", run)[0])
      ),

    remove: (run) =>
      file.write("remove a run", (ask) => {
        ask("DELETE FROM batches WHERE run = ?", run)
        ask("DELETE FROM runs WHERE run = ?", run)
      }),

    prune: (which) =>
      Effect.andThen(
        checkPruning(which),
        Effect.tap(
          file.write("prune the history", (ask) => {
            const { before = Number.NEGATIVE_INFINITY, keep = Number.POSITIVE_INFINITY } = which
            return ask(
              `DELETE FROM runs WHERE begun < ? OR id IN (
                SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY workflow ${NEWEST_FIRST}) AS place FROM runs)
                WHERE place > ?
              ) RETURNING id`,
              ...[before, keep]
            ).length
          }),
          () => file.shrink
        )
      ),

    summaries: (keys) =>
      file.read("read the history", (ask) =>
        keys.map((key) => {
          const row = ask("SELECT revision, bytes FROM summaries WHERE key = ?", key)[0]
          const bytes = bytesOf(row)
          return row === undefined || bytes === undefined
            ? undefined
            : { revision: Number(row.revision), bytes }
        })
      ),

    replace: (key, bytes, revision) =>
      file.write("write to the history", (ask) => {
        const [known] = ask("SELECT revision FROM summaries WHERE key = ?", key)
        if (known?.revision !== revision) return false
        ask("DELETE FROM summaries WHERE key = ?", key)
        // With the next revision: SQLite gives none twice.
        ask("INSERT INTO summaries (key, bytes) VALUES (?, ?)", key, bytes)
        return true
      }),

    keys: file.read("read the history", (ask) =>
      ask("SELECT key FROM summaries").flatMap(({ key }) => (typeof key === "string" ? [key] : []))
    ),

    removeSummaries: (keys) =>
      file.write("write to the history", (ask) => {
        for (const key of keys) ask("DELETE FROM summaries WHERE key = ?", key)
      }),

    upload: (run, batch) =>
      file.write("write to the history", (ask) => {
        ask(`${EXPIRE} AND run = ?`, now() - batchesMs, run)
        ask("INSERT INTO batches (run, at, bytes) VALUES (?, ?, ?)", run, now(), batch)
      }),

    batches: (run): Effect.Effect<ReadonlyArray<Uint8Array>, StoreError> =>
      file.read("read the history", (ask) => {
        const rows = ask("SELECT at, bytes FROM batches WHERE run = ? ORDER BY id", run)
        const isOver = Number(rows.at(-1)?.at ?? 0) < now() - batchesMs
        return isOver ? [] : rows.flatMap((row) => bytesOf(row) ?? [])
      })
  })
  return { history, close: file.close }
}

const NEWEST_FIRST = "ORDER BY begun DESC, id DESC"
/** Batches of runs of which none came for a while. */
const EXPIRE = "DELETE FROM batches WHERE run IN (SELECT run FROM batches GROUP BY run HAVING max(at) < ?)"

/** Of a workflow's runs all but the newest so many. */
const olderThan = (condition: string) =>
  `SELECT id FROM runs WHERE workflow = ? AND ${condition} ${NEWEST_FIRST} LIMIT -1 OFFSET ?`

const bytesOf = (row: Row | undefined): Uint8Array | undefined =>
  row?.bytes instanceof Uint8Array ? row.bytes : undefined
