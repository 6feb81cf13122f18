/** What SQLite and the file system say when something is wrong, as errors that say what to do. */
import { StoreError, type StoreErrorReason } from "@weft/storage"

/** What lies in the file is not a history that this version can use. */
export class Foreign extends Error {
  override readonly name = "Foreign"
}

/** The result codes of SQLite that people can do something about (https://www.sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IO = 10
const CORRUPT = 11
const FULL = 13
const CANNOT_OPEN = 14
const PERMISSION = 3
const NO_DATABASE = 26

interface Failed {
  readonly message: string
  readonly code?: string
  /** Of SQLite: its extended result code. */
  readonly errcode?: number
}

/** The primary result code is the lowest byte. */
const codeOf = ({ errcode }: Failed) => (errcode === undefined ? undefined : errcode & 0xff)

const failedOf = (error: unknown): Failed => (error instanceof Error ? error : new Error(String(error)))

/** Whether another process has the file at the moment. */
export const isBusy = (error: unknown): boolean => {
  const code = codeOf(failedOf(error))
  return code === BUSY || code === LOCKED
}

const OTHER_PLACE = "choose another one: --history FILE, or WEFT_HISTORY; `none` does without"

/** An error as one of ours. */
export const toStoreError = (operation: string, error: unknown, path: string): StoreError => {
  const failed = failedOf(error)
  const [reason, detail] = finding(failed, path)
  return new StoreError({ reason, operation, detail, cause: failed })
}

const finding = (failed: Failed, path: string): readonly [StoreErrorReason, string] => {
  const { code, message } = failed
  if (failed instanceof Foreign) return ["corrupt", message]
  switch (codeOf(failed)) {
    case BUSY:
    case LOCKED:
      return ["unavailable", `another process holds ${path}, and does not let go of it. End it, or try again`]
    case READONLY:
    case PERMISSION:
      return [
        "refused",
        `${path} or its folder is read-only. Give the right to write there, or ${OTHER_PLACE}`
      ]
    case FULL:
      return [
        "full",
        `there is no room left where ${path} is. Make some (\`weft history prune\` helps a little)`
      ]
    case CANNOT_OPEN:
      return [
        "refused",
        `${path} cannot be opened. Is it a folder, or are rights missing there? Look at that, or ${OTHER_PLACE}`
      ]
    case NO_DATABASE:
      return [
        "corrupt",
        `${path} is not a history of weft, nor any SQLite database. Move it away, or ${OTHER_PLACE}`
      ]
    case CORRUPT:
      return [
        "corrupt",
        `${path} is damaged (${message}). Remove it to begin anew; \`sqlite3 ${path} .recover\` may save some of it`
      ]
    case IO:
      return ["unavailable", `the disk of ${path} does not answer as it should: ${message}`]
    case undefined:
      break
    default:
      return [
        "corrupt",
        `what is in ${path} is not as weft left it (${message}). Move it away, or ${OTHER_PLACE}`
      ]
  }
  if (code === "ENOSPC" || code === "EDQUOT") return ["full", `there is no room for ${path}: ${message}`]
  return ["refused", `${path} cannot be created: ${message}. Look at its folder, or ${OTHER_PLACE}`]
}
