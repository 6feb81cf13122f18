/** Opens the file of a history: creates it, or checks that it is one. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { Foreign } from "./Errors.ts"

/** `weft` in ASCII: by this SQLite's `application_id` tells whose file it is. */
const APPLICATION = 0x77_65_66_74
/** Raised when the tables change. A later version brings an older file up to date here. */
const VERSION = 1
/** How long SQLite itself waits for others, in ms: it holds up the whole process meanwhile. */
const WAIT_MS = 20

const TABLES = `
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY, -- in the order of recording
    run TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    signature TEXT NOT NULL,
    begun REAL NOT NULL,
    record TEXT NOT NULL, -- RunRecord of @weft/storage, as JSON
    details BLOB
  ) STRICT;
  CREATE INDEX runs_by_begin ON runs (begun, id);
  CREATE INDEX runs_of_workflow ON runs (workflow, begun, id);
  CREATE INDEX runs_of_signature ON runs (signature, begun, id);
  CREATE INDEX runs_with_details ON runs (workflow, begun, id) WHERE details IS NOT NULL;

  CREATE TABLE summaries (
    revision INTEGER PRIMARY KEY AUTOINCREMENT, -- never the same again
    key TEXT NOT NULL UNIQUE,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    at REAL NOT NULL, -- ms since the epoch
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX batches_of_run ON batches (run, at);
`

/** Opens a file, which is then right for this version. Throws what SQLite throws, or {@link Foreign}. */
export const open = (path: string): DatabaseSync => {
  createFolder(dirname(path))
  // Not imported above: who opens no history does not pay for loading SQLite.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
  const db = new DatabaseSync(path, { timeout: WAIT_MS })
  try {
    prepare(db, path)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const numberOf = (db: DatabaseSync, pragma: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])

const prepare = (db: DatabaseSync, path: string) => {
  // Commits are not lost when a process dies; the last ones may be when the machine does, and the file stays whole.
  db.exec("PRAGMA synchronous = NORMAL")
  if (isReady(db, path)) return
  db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
  try {
    // Another process may have been faster.
    if (!isReady(db, path)) {
      db.exec(TABLES)
      db.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`)
    }
    db.exec("COMMIT")
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}

/** Whether the tables are there; `false` if the file is new. */
const isReady = (db: DatabaseSync, path: string): boolean => {
  const version = numberOf(db, "user_version")
  const application = numberOf(db, "application_id")
  const isNew = version === 0 && application === 0 && numberOf(db, "schema_version") === 0
  if (isNew) return false
  if (application !== APPLICATION) {
    throw new Foreign(
      `${path} is a database of another program. Name another file: --history FILE, or WEFT_HISTORY`
    )
  }
  if (version > VERSION) {
    throw new Foreign(
      `${path} was written by a later version of weft (its tables are version ${version}, this one knows ${VERSION}). ` +
        "Update weft, or name another file: --history FILE, or WEFT_HISTORY"
    )
  }
  return true
}

/** A folder that is made for a history is kept out of version control. */
const createFolder = (folder: string) => {
  if (existsSync(folder)) return
  makeFolder(folder)
  try {
    writeFileSync(join(folder, ".gitignore"), "*\n", { flag: "wx" })
  } catch {
    // Somebody else was faster; or the disk is full, which opening the file will say better.
  }
}

/** With those above it. (`recursive` of Node.js does not end where a file system makes no folders, as `/proc`.) */
const makeFolder = (folder: string) => {
  const above = dirname(folder)
  if (!existsSync(above) && above !== folder) makeFolder(above)
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}
