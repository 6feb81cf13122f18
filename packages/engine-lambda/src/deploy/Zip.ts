/**
 * Zip files whose bytes depend on nothing but what is in them: the same code gives the same hash, today and elsewhere.
 */
import { createHash } from "node:crypto"
import { type Zippable, zipSync } from "fflate"

/** Paths with slashes, and what is there. */
export type Files = ReadonlyMap<string, Uint8Array>

/** The earliest day that zip files know. In local time, as fflate writes it. */
const DAY = new Date(1980, 0, 1)
const UNIX = 3
const FILE = 0o100_644
/** Smaller and hardly slower than what follows it. */
const LEVEL = 6

/** One zip file of all files, in the order of their paths. */
export const make = (files: Files): Uint8Array => {
  const paths = [...files.keys()].sort((a, b) => (a < b ? -1 : 1))
  const entries: Zippable = Object.fromEntries(
    paths.map((path) => [path, [files.get(path)!, { mtime: DAY, os: UNIX, attrs: FILE << 16, level: LEVEL }]])
  )
  return zipSync(entries)
}

/** As Lambda's `CodeSha256` has it. */
export const codeSha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64")
