/**
 * Help, and what is said about a wrong command line.
 */

import { type CliError, CliOutput, type HelpDoc } from "effect/cli"
import * as Effect from "effect/Effect"
import { explanation } from "./Json.ts"
import { write } from "./Streams.ts"
import { hasColors, type Style, styleFor } from "./Style.ts"

interface Section {
  readonly title: string
  readonly lines: ReadonlyArray<string>
}

const exitCodes: Section = {
  title: "EXIT CODES",
  lines: [
    "0    all went well",
    "1    the run failed, or a file cannot be used",
    "2    the command line or the input is wrong",
    "130  Ctrl-C was pressed: the run was cancelled (143: by SIGTERM); pressed twice, at once"
  ]
}

const storeCodes: Section = {
  title: "EXIT CODES",
  lines: [
    "0    all went well",
    "1    the store cannot be used, or there is no such run",
    "2    the command line is wrong"
  ]
}

const historyCodes: Section = {
  title: "EXIT CODES",
  lines: [
    "0    all went well",
    "1    the history or a file cannot be used, or some lines of it are wrong",
    "2    the command line is wrong"
  ]
}

const watchCodes: Section = {
  title: "EXIT CODES",
  lines: [
    "0    the run succeeded",
    "1    it did not, or cannot be watched",
    "2    the command line is wrong",
    "130  Ctrl-C was pressed: the run goes on"
  ]
}

const deployCodes: Section = {
  title: "EXIT CODES",
  lines: [
    "0    all went well",
    "1    the file cannot be bundled, Lambda refuses something, or a function does not reach the store",
    "2    the command line is wrong"
  ]
}

const json: Section = {
  title: "JSON",
  lines: [
    "With --json and --out the result is written so that any program can read it:",
    ...explanation,
    "A .cbor file keeps all of these as they are."
  ]
}

/** What a command's help has besides what its definition says. */
const more: ReadonlyMap<string, ReadonlyArray<Section>> = new Map([
  ["weft", [exitCodes]],
  ["weft run", [json, exitCodes]],
  ["weft graph", [exitCodes]],
  ["weft resume", [json, exitCodes]],
  ["weft watch", [watchCodes]],
  ["weft runs", [storeCodes]],
  ["weft cancel", [storeCodes]],
  ["weft clean", [storeCodes]],
  ["weft history", [historyCodes]],
  ["weft history list", [historyCodes]],
  ["weft history evaluate", [historyCodes]],
  ["weft show", [historyCodes]],
  ["weft simulate", [exitCodes]],
  ["weft history export", [historyCodes]],
  ["weft history import", [historyCodes]],
  ["weft history prune", [historyCodes]],
  ["weft deploy", [deployCodes]],
  ["weft undeploy", [deployCodes]]
])

/** A command's help. */
const help = (doc: HelpDoc.HelpDoc, colors: boolean, style: Style): string => {
  const sections = [examples(doc, style), ...(more.get(doc.commandPath?.join(" ") ?? "") ?? [])]
  return [
    CliOutput.defaultFormatter({ colors })
      .formatHelpDoc({ ...doc, examples: [] })
      .trimEnd(),
    ...sections.flatMap(({ lines, title }) => [
      "",
      style("bold", title),
      ...lines.map((line) => (line === "" ? "" : `  ${line}`))
    ])
  ].join("\n")
}

const examples = (doc: HelpDoc.HelpDoc, style: Style): Section => ({
  title: "EXAMPLES",
  lines: (doc.examples ?? []).flatMap(({ command, description = "" }, i) => [
    ...(i === 0 ? [] : [""]),
    style("dim", `# ${description}`),
    style("cyan", command)
  ])
})

/** Says what is wrong with a command line, how it should look, and where to read more. */
const wrong = (
  doc: HelpDoc.HelpDoc,
  path: ReadonlyArray<string>,
  errors: ReadonlyArray<CliError.CliError>,
  style: Style
): string =>
  [
    ...errors.map(({ message }) => `${style("red", "error:")} ${message}`),
    "",
    `usage: ${doc.usage}`,
    `Try \`${path.join(" ")} --help\`.`
  ].join("\n")

/** Shows help on stdout, and what is wrong on stderr. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.promise(() => {
      switch (event._tag) {
        case "Help":
          return write(
            "stdout",
            `${help(event.helpDoc, hasColors(process.stdout), styleFor(process.stdout))}\n`
          )
        case "InvalidInvocation":
          return write(
            "stderr",
            `${wrong(event.helpDoc, event.commandPath, event.errors, styleFor(process.stderr))}\n`
          )
        case "Version":
          return write("stdout", `${event.version}\n`)
      }
    })
}
