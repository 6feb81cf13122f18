/** Where a benchmark's figures go. */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { dirname, join, relative } from "node:path"

/**
 * Writes figures as JSON, with the machine that they were measured on, and says where.
 *
 * @param folder the benchmark's own; the file is `out/<name>-<date>.json` in it unless `out` says otherwise
 */
export const write = (folder: string, name: string, figures: object, out?: string): void => {
  const date = new Date().toISOString()
  const file = out ?? join(folder, "out", `${name}-${date.slice(0, 10)}.json`)
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version, date }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`)
  console.log(`\nwritten to ${relative(process.env.INIT_CWD ?? process.cwd(), file)}`)
}
