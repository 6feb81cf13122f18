/**
 * Where it is kept what runs measured: with the runs in their store, in a file, or in this process only.
 *
 * Runs in this process's memory have their history in a file of the project, so that plans get better with nothing
 * installed. A store that others share has it for all of them.
 */
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { History } from "@weft/storage"
import { HistorySqlite } from "@weft/storage-sqlite"
import * as Data from "effect/Data"
import type { Given } from "./Connections.ts"

/** What cannot be meant as a place for the history. */
export class InvalidHistory extends Data.TaggedError("InvalidHistory")<{
  readonly given: string
  /** What is wrong with it, and what to do about it. */
  readonly problem: string
}> {
  override get message() {
    return `the history "${this.given}" cannot be used: ${this.problem}`
  }
}

/** `store`: in the run's store; `memory`: until this process ends. */
export type Place =
  | { readonly kind: "store" }
  | { readonly kind: "memory" }
  | { readonly kind: "file"; readonly file: string }

/**
 * The place that an option names; else `WEFT_HISTORY`; else the usual one. Stores that are given as they are, not by URL,
 * have their history with them, whatever `WEFT_HISTORY` says.
 *
 * @throws {InvalidHistory} if it names none
 */
export const placeOf = (given: string | undefined, store: Given): Place => {
  if (given !== undefined) return named(given)
  if (store !== undefined && typeof store !== "string") return { kind: "store" }
  const { WEFT_HISTORY = "" } = process.env
  if (WEFT_HISTORY !== "") return named(WEFT_HISTORY)
  return store === undefined || store === "memory" ? projectFile() : { kind: "store" }
}

const named = (given: string): Place => {
  if (given === "store") return { kind: "store" }
  if (given === "none") return { kind: "memory" }
  if (given === "file") return projectFile()
  // A word alone is more likely a slip of the pen than a file.
  if (/[/\\.]/.test(given) && !given.includes("://")) return { kind: "file", file: resolve(given) }
  throw new InvalidHistory({
    given: given.replace(/\/\/.*@/s, "//"),
    problem:
      'write the path of a file such as ./history.sqlite; "file" for that of the project, "store" for the store of the run, ' +
      'or "none"'
  })
}

/** `.weft/history.sqlite` in the nearest folder, from the current one upwards, that has a package.json; else here. */
const projectFile = (): Place => {
  let here: string
  try {
    here = process.cwd()
  } catch {
    // The folder that the process is in was removed.
    return { kind: "memory" }
  }
  let folder = here
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder)
  const isProject = existsSync(join(folder, "package.json"))
  return { kind: "file", file: join(isProject ? folder : here, ".weft/history.sqlite") }
}

let memory: History["Service"] | undefined
const files = new Map<string, HistorySqlite.Opened>()

/** The history of a place; `undefined` for that of the run's store. Nothing is opened before it is used. */
export const historyOf = (place: Place): History["Service"] | undefined => {
  if (place.kind === "store") return
  if (place.kind === "memory") {
    memory ??= History.makeMemory()
    return memory
  }
  const known = files.get(place.file) ?? HistorySqlite.make({ file: place.file })
  files.set(place.file, known)
  return known.history
}

/** Closes the files. They open again when they are used again. */
export const close = (): void => {
  for (const { close } of files.values()) close()
}
