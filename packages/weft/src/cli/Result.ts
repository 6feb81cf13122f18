/**
 * Where a run's result goes: to people, to another program, or to a file.
 */
import { statSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { inspect } from "node:util"
import { Codec } from "@weft/core"
import * as Effect from "effect/Effect"
import { type CliFailure, failed, usage } from "./CliFailure.ts"
import { shownPath } from "./FailureText.ts"
import * as Json from "./Json.ts"

/** A result for people: text as it is, anything else as Node.js shows it. */
export const pretty = (value: unknown, columns: number, colors: boolean): string =>
  typeof value === "string"
    ? value
    : inspect(value, {
        depth: 8,
        colors,
        breakLength: columns,
        maxArrayLength: 100,
        maxStringLength: 10_000,
        numericSeparator: false
      })

/** Refuses a file that could not be written, before anything runs. */
export const checkFile = (file: string | undefined): Effect.Effect<void, CliFailure> =>
  Effect.suspend(() => {
    if (file === undefined) return Effect.void
    const kind = (path: string) => {
      const found = statSync(path, { throwIfNoEntry: false })
      return found === undefined ? "nothing" : found.isDirectory() ? "folder" : "file"
    }
    if (kind(file) === "folder")
      return Effect.fail(usage(`--out ${file}: this is a folder; name a file in it`))
    const folder = dirname(resolve(file))
    return kind(folder) === "folder"
      ? Effect.void
      : Effect.fail(
          usage(`--out ${file}: there is no folder ${shownPath(folder, process.cwd())}; create it first`)
        )
  })

/** Writes a result to a file: CBOR if its name ends with `.cbor`, else JSON. */
export const writeResult = (file: string, value: unknown): Effect.Effect<void, CliFailure> =>
  writeFile(file, () => (/\.cbor$/i.test(file) ? Codec.encode(value) : `${Json.stringify(value, 2)}\n`))

/** Writes a file. */
export const writeFile = (
  file: string,
  content: () => string | Uint8Array
): Effect.Effect<void, CliFailure> =>
  Effect.try({
    try: () => writeFileSync(file, content()),
    catch: (error) =>
      failed(
        `--out ${file}: it could not be written: ${error instanceof Error ? error.message : String(error)}`
      )
  })
