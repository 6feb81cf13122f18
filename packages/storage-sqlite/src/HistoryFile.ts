/**
 * The file of a history: opened when it is first used, created if it is not there, shared with other processes.
 *
 * It is in WAL mode: readers and one writer do not wait for each other, and a process that is killed while it writes
 * leaves what was there before. Who meets another writer lets this process go on meanwhile and tries again.
 */
import { existsSync } from "node:fs"
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"
import type { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isBusy, toStoreError } from "./Errors.ts"
import { open } from "./Opening.ts"

/** A row as SQLite has it, which may be anything: others can write to the file, too. */
export type Row = Readonly<Record<string, SQLOutputValue>>

/** Asks for rows. */
export interface Ask {
  (sql: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row>
  /** One after another. */
  readonly each: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => Iterable<Row>
}

/** For how long an operation tries again while others write, in ms. */
const PATIENCE_MS = 10_000

export class HistoryFile {
  private readonly path: string
  private db: DatabaseSync | undefined
  private readonly statements = new Map<string, StatementSync>()
  private readonly ask: Ask

  constructor(path: string) {
    this.path = path
    this.ask = Object.assign(
      (sql: string, ...values: ReadonlyArray<SQLInputValue>) => this.statement(sql).all(...values),
      {
        each: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => this.statement(sql).iterate(...values)
      }
    )
  }

  /** Reads, all at the same moment. */
  read<A>(operation: string, body: (ask: Ask) => A): Effect.Effect<A, StoreError> {
    return this.transaction(operation, "BEGIN", body)
  }

  /** Writes all of it or nothing. */
  write<A>(operation: string, body: (ask: Ask) => A): Effect.Effect<A, StoreError> {
    return this.transaction(operation, "BEGIN IMMEDIATE", body)
  }

  /** Gives space that is not needed any more back to the file system, unless somebody else writes. */
  readonly shrink: Effect.Effect<void> = Effect.sync(() => {
    try {
      this.db?.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
    } catch {
      // Then it is used for what comes.
    }
  })

  readonly close = (): void => {
    this.statements.clear()
    const { db } = this
    this.db = undefined
    // With the last process that closes it the file is alone in its folder again.
    db?.close()
  }

  private transaction<A>(operation: string, begin: string, body: (ask: Ask) => A) {
    return Effect.try({
      try: () => {
        const db = this.opened()
        db.exec(begin)
        try {
          const result = body(this.ask)
          db.exec("COMMIT")
          return result
        } catch (error) {
          // What is broken beyond that has rolled back by itself.
          if (db.isTransaction) db.exec("ROLLBACK")
          throw error
        }
      },
      catch: (error) => error
    }).pipe(
      Effect.retry(whileBusy),
      Effect.mapError((error) => toStoreError(operation, error, this.path))
    )
  }

  private opened(): DatabaseSync {
    // Who removes the file of a process that goes on for long means to begin anew.
    if (this.db !== undefined && !existsSync(this.path)) this.close()
    this.db ??= open(this.path)
    return this.db
  }

  private statement(sql: string): StatementSync {
    const known = this.statements.get(sql)
    if (known !== undefined) return known
    const made = (this.db ?? this.opened()).prepare(sql)
    this.statements.set(sql, made)
    return made
  }
}

/** Others write for a moment only: at first it is asked again soon. */
const whileBusy = Schedule.min([Schedule.exponential(2, 1.5), Schedule.spaced(100)]).pipe(
  Schedule.jittered,
  Schedule.upTo({ duration: PATIENCE_MS }),
  Schedule.setInputType<unknown>(),
  Schedule.while(({ input }) => isBusy(input))
)
