/**
 * The option `--input`: JSON, or `@` and the name of a file of JSON, or `@-` for standard input.
 */
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { type CliFailure, usage } from "./CliFailure.ts"

/** The value that `--input` means; `undefined` without one. */
export const parse = (given: string | undefined): Effect.Effect<unknown, CliFailure> =>
  Effect.suspend(() => {
    if (given === undefined) return Effect.succeed(undefined)
    if (!given.startsWith("@")) return parseJson("--input", given, FIX)
    const file = given.slice(1)
    return Effect.try({
      try: () => readFileSync(file === "-" ? 0 : file, "utf8").replace(/^\uFEFF/, ""),
      catch: (error) => unreadable(file, error)
    }).pipe(Effect.flatMap((text) => parseJson(file === "-" ? "standard input" : file, text, undefined)))
  })

const FIX = `Put the JSON in quotes for the shell, for example --input '{"n": 3}', or name a file: --input @input.json`

const unreadable = (file: string, error: unknown) => {
  if (file === "")
    return usage("--input @ names no file: write --input @input.json, or @- for standard input")
  const code = error instanceof Error && "code" in error ? error.code : undefined
  const reason =
    code === "ENOENT"
      ? "there is no such file"
      : code === "EISDIR"
        ? "this is a folder"
        : error instanceof Error
          ? error.message
          : String(error)
  return usage(`--input @${file}: ${reason}`)
}

const parseJson = (source: string, text: string, fix: string | undefined) =>
  Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: (error) =>
      usage([...jsonProblem(source, text, error as Error), ...(fix === undefined ? [] : [fix])].join("\n"))
  })

const jsonProblem = (source: string, text: string, error: Error): ReadonlyArray<string> => {
  if (text.trim() === "") return [`${source} is empty where JSON is expected`]
  const at = placeOf(text)
  const before = text.slice(0, at).split("\n")
  const column = before.at(-1)!.length
  const reason = error.message
    .replace(/ in JSON at position .*| \(line .*/s, "")
    .replace(/, (\.\.\.)?".*is not valid JSON$/s, "")
  return [
    `${source} is not valid JSON: ${reason} (line ${before.length}, column ${column + 1})`,
    ...excerpt(text.split("\n")[before.length - 1]!, column)
  ]
}

/** Characters shown on each side of the place. */
const AROUND = 36

const excerpt = (line: string, column: number): ReadonlyArray<string> => {
  const start = Math.max(0, column - AROUND)
  const shown = line.slice(start, column + AROUND).replaceAll("\t", " ")
  return [`  ${shown}`, `  ${" ".repeat(column - start)}^`]
}

/** Where a text stops being the beginning of some JSON: a search by halves, since the parser does not always say. */
const placeOf = (text: string): number => {
  let good = 0
  let bad = text.length
  if (isBeginning(text)) return text.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isBeginning(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good
}

/** Whether more text could make it JSON: it is complete, or its error is that it ends. */
const isBeginning = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    const message = (error as Error).message
    const position = /at position (\d+)/.exec(message)
    return position === null ? message.includes("end of JSON") : Number(position[1]) >= text.length
  }
}
