/**
 * What went wrong in a run, for people.
 */
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { Failure, Instance } from "@weft/core"
import type { Style } from "./Style.ts"
import { counted } from "./Units.ts"

/** How many failures are shown, and how many lines of what a task wrote to stderr. */
const MOST_FAILURES = 5
const MOST_LINES = 10

/** The lines that say why nodes failed. */
export const failureLines = (
  failures: ReadonlyArray<Failure.Failure>,
  folder: string,
  style: Style
): ReadonlyArray<string> => {
  const more = failures.length - MOST_FAILURES
  return [
    ...failures.slice(0, MOST_FAILURES).flatMap((failure) => [...oneFailure(failure, folder, style), ""]),
    ...(more > 0 ? [`and ${counted(more, "more failed call", "more failed calls")}`, ""] : [])
  ]
}

const oneFailure = (failure: Failure.Failure, folder: string, style: Style): ReadonlyArray<string> => {
  const node = Instance.label(failure.task ?? "", failure.instance)
  const tries = failure.attempts === 1 ? "" : ` after ${counted(failure.attempts, "attempt")}`
  const line = Failure.userLine(failure.stack)
  return [
    `${style("red", "✗")} ${style("bold", node)} failed${tries} on worker ${failure.worker}`,
    ...indent(whatHappened(failure)),
    ...(line === undefined ? [] : [style("dim", `    ${relativeLine(line, folder)}`)]),
    ...stderrLines(failure.stderr, style)
  ]
}

const whatHappened = ({ kind, message, name }: Failure.Failure) => {
  if (kind !== "error") return message
  return name === undefined
    ? `it threw ${message}, which is no Error and has no stack`
    : `${name}: ${message}`
}

const indent = (text: string) => text.split("\n").map((line) => `  ${line}`)

const stderrLines = (stderr: string | undefined, style: Style): ReadonlyArray<string> => {
  if (stderr === undefined || stderr.trim() === "") return []
  const lines = stderr.trimEnd().split("\n")
  const cut = lines.length > MOST_LINES
  return [
    style("dim", `  the ${cut ? `last ${MOST_LINES} lines` : "lines"} it wrote to stderr:`),
    ...lines.slice(-MOST_LINES).map((line) => `  ${style("dim", "│")} ${line}`)
  ]
}

/** A line of a stack with its path as seen from `folder`. */
export const relativeLine = (line: string, folder: string): string =>
  line.replace(/(file:\/\/[^\s()]+?|\/[^()]+?)(:\d+(?::\d+)?\)?$)/, (_, path: string, place: string) => {
    return shownPath(path.startsWith("file:") ? fileURLToPath(path) : path, folder) + place
  })

/** A path as seen from `folder`, if that is shorter. */
export const shownPath = (path: string, folder: string): string => {
  const seen = relative(folder, path)
  return seen !== "" && seen.length < path.length ? seen : path
}
