/**
 * Help, and what is said about a wrong command line.
 */
import { styleText } from "node:util"
import { CliOutput, type HelpDoc } from "effect/cli"
import * as Effect from "effect/Effect"

/** Writes text to a stream and waits until it has been handed on. */
export const write = (name: "stdout" | "stderr", text: string): Promise<void> =>
  new Promise((resolve) => {
    if (process[name].destroyed) resolve()
    else process[name].write(text, () => resolve())
  })

/** `error:`, in red where the stream shows colours. */
export const errorLabel = (): string => styleText("red", "error:", { stream: process.stderr })

const EXIT_CODES = [
  "0    it was ended by Ctrl-C or SIGTERM, or the command that it ran succeeded",
  "1    it could not be started; the port is in use, for instance",
  "2    the command line is wrong",
  "     With a command: that command's own code"
]

const help = (doc: HelpDoc.HelpDoc): string => {
  const title = (text: string) => styleText("bold", text, { stream: process.stdout })
  const colors = title("x") !== "x"
  const examples = (doc.examples ?? []).flatMap(({ command, description = "" }, i) => [
    ...(i === 0 ? [] : [""]),
    styleText("dim", `  # ${description}`, { stream: process.stdout }),
    `  ${styleText("cyan", command, { stream: process.stdout })}`
  ])
  return [
    CliOutput.defaultFormatter({ colors })
      .formatHelpDoc({ ...doc, examples: [] })
      .trimEnd(),
    "",
    title("EXAMPLES"),
    ...examples,
    "",
    title("EXIT CODES"),
    ...EXIT_CODES.map((line) => `  ${line}`)
  ].join("\n")
}

/** Shows help on stdout, and what is wrong on stderr. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.promise(() => {
      switch (event._tag) {
        case "Help":
          return write("stdout", `${help(event.helpDoc)}\n`)
        case "InvalidInvocation":
          return write(
            "stderr",
            [
              ...event.errors.map(({ message }) => `${errorLabel()} ${message}`),
              "",
              "usage: lambda-local [flags] [-- command…]",
              "Try `lambda-local --help`.",
              ""
            ].join("\n")
          )
        case "Version":
          return write("stdout", `${event.version}\n`)
      }
    })
}
