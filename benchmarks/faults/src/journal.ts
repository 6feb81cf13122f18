/** What the tasks of a run have written down. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface Entry {
  /** `again`: a task has ended that had been begun before. `held`: one is held. */
  readonly type: "again" | "held"
  readonly node: string
  readonly attempt: number
  readonly pid: number
  /** In ms since the epoch. */
  readonly at: number
}

export const read = (folder: string, run: string): ReadonlyArray<Entry> => {
  const file = join(folder, `${run}.journal`)
  if (!existsSync(file)) return []
  // Whoever is killed may have written half a line.
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.endsWith("}"))
  return lines.map((line) => JSON.parse(line) as Entry)
}
