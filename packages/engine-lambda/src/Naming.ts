/**
 * Names that deployment, engine and handler have in common.
 *
 * A deployment has a base name; of its functions there is one for each memory size: `weft-<workflow>-<MiB>`. The alias
 * `live` is the version that new runs begin with.
 */
import { createHash } from "node:crypto"

/** The alias of the version that new runs begin with. */
export const ALIAS = "live"

/** The environment variable with the stores, as the JSON of a `StoresReference`. */
export const STORES_VARIABLE = "WEFT_STORES"

/** The smallest and the largest function, in MiB. */
export const MIN_MEMORY_MIB = 128
export const MAX_MEMORY_MIB = 10_240

/** Whether there can be a function of this size. */
export const isMemorySize = (memoryMiB: number): boolean =>
  Number.isInteger(memoryMiB) && memoryMiB >= MIN_MEMORY_MIB && memoryMiB <= MAX_MEMORY_MIB

/** What Lambda allows a function's name to have, less the longest size. */
const BASE_LENGTH = 64 - `-${MAX_MEMORY_MIB}`.length
const HASH_LENGTH = 8

/**
 * The base name of a workflow's deployment: `weft-<workflow>`, with what Lambda refuses in names taken out. Where more
 * than separators had to go, a hash keeps different workflows apart.
 */
export const baseName = (workflow: string): string => {
  const spaced = workflow.replace(/[\s./:@]+/g, "-")
  const clean = spaced.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "")
  const full = `weft-${clean}`
  const isWhole = clean !== "" && full.length <= BASE_LENGTH && clean === spaced.replace(/^-+|-+$/g, "")
  if (isWhole) return full
  const hash = createHash("sha256").update(workflow).digest("hex").slice(0, HASH_LENGTH)
  return `${full.slice(0, BASE_LENGTH - HASH_LENGTH - 1).replace(/-+$/, "")}-${hash}`
}

/** Whether a name that somebody chose can be a deployment's base name. */
export const isBaseName = (name: string): boolean =>
  /^[A-Za-z0-9_-]+$/.test(name) && name.length <= BASE_LENGTH

/** The function of a size. */
export const functionName = (base: string, memoryMiB: number): string => `${base}-${memoryMiB}`

/** The size of a deployment's function, in MiB; `undefined` if it is not one of that deployment. */
export const memoryOfFunction = (base: string, name: string): number | undefined => {
  if (!name.startsWith(`${base}-`)) return undefined
  const digits = name.slice(base.length + 1)
  return /^[1-9]\d*$/.test(digits) && isMemorySize(Number(digits)) ? Number(digits) : undefined
}
