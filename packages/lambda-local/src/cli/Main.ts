/**
 * The command `lambda-local`: starts the service, and runs until it is ended or the command after its flags has ended.
 */
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { ListenError } from "../api/Server.ts"
import { type LambdaLocal, startLambda } from "../LambdaLocal.ts"
import { InvalidOption } from "../Options.ts"
import { CommandError, runCommand } from "./Child.ts"
import { flags, type Given, optionsOf } from "./Flags.ts"
import * as Help from "./Help.ts"
import { summaryLines } from "./Summary.ts"

const exitCode = { failed: 1, usage: 2 } as const

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  return (manifest as { readonly version: string }).version
}

/** Runs the command, then ends the process. */
export const main = async (args: ReadonlyArray<string>): Promise<never> => {
  let code = 0
  const command = Command.make("lambda-local", flags, (given) =>
    Effect.tryPromise({
      try: async () => {
        code = await serve(given)
      },
      catch: (error) => error
    })
  ).pipe(
    Command.withDescription(
      "A local service that speaks the AWS Lambda API and runs functions as processes: for tests, without Docker or an " +
        "account. With a command after --, runs it with the AWS_… variables set, and ends with it."
    ),
    Command.withExamples([
      { command: "lambda-local --logs", description: "Serve on port 3001 until Ctrl-C" },
      {
        command: "lambda-local -- npm test",
        description: "Run tests against a service of their own, on a free port"
      },
      {
        command: "lambda-local --cold-start 100ms+400ms --drop 0.01 --double 0.02 --seed 7 -- npm test",
        description: "With slow cold starts, and events that are lost or come twice"
      },
      {
        command: "lambda-local --concurrency 5 --retry-delays 1s,2s --report report.json",
        description: "With throttling, and every invocation told in a file"
      }
    ])
  )
  const layer = Layer.mergeAll(
    NodeServices.layer,
    CliOutput.layerPresenter(Help.presenter),
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
  )
  const exit = await Effect.runPromiseExit(
    Command.runWith(command, { version: version() })(args).pipe(Effect.provide(layer))
  )
  if (Exit.isFailure(exit)) code = await tell(Cause.squash(exit.cause))
  process.exit(code)
}

/** Says what went wrong and answers the code to end with. */
const tell = async (error: unknown): Promise<number> => {
  if (CliError.isCliError(error)) {
    return error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : exitCode.usage
  }
  const isExpected = [InvalidOption, ListenError, CommandError, ReportError].some(
    (known) => error instanceof known
  )
  const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error)
  await Help.write("stderr", `${Help.errorLabel()} ${text}\n`)
  return error instanceof InvalidOption ? exitCode.usage : exitCode.failed
}

const serve = async (given: Given): Promise<number> => {
  const file = given.report._tag === "Some" ? given.report.value : undefined
  // What cannot be written at the end is told at the beginning.
  if (file !== undefined) await writeReport(file, "")
  const isEnded = given.command.length > 0 ? Promise.resolve() : ended()
  const lambda = await startLambda(optionsOf(given))
  const say = (lines: ReadonlyArray<string>) =>
    given.quiet ? Promise.resolve() : Help.write("stderr", `${lines.join("\n")}\n`)
  try {
    if (given.command.length > 0) return await runCommand(given.command, lambda.env)
    await say(welcome(lambda))
    await isEnded
    return 0
  } finally {
    await lambda.close()
    const report = lambda.report()
    if (file !== undefined) await writeReport(file, `${JSON.stringify(report, null, 2)}\n`)
    await say(["", ...summaryLines(report)])
  }
}

class ReportError extends Data.TaggedError("ReportError")<{
  readonly file: string
  readonly cause: NodeJS.ErrnoException
}> {
  override get message() {
    return `the report cannot be written to ${this.file}: ${this.cause.message}`
  }
}

const writeReport = (file: string, text: string) =>
  writeFile(file, text).catch((cause: NodeJS.ErrnoException) => {
    throw new ReportError({ file, cause })
  })

const welcome = ({ env, limits, url }: LambdaLocal): ReadonlyArray<string> => [
  `AWS Lambda is at ${url}. Programs that use an AWS SDK reach it with:`,
  "",
  ...Object.entries(env).map(([name, value]) => `  export ${name}=${value}`),
  "",
  limits,
  "Ctrl-C ends it."
]

/** Waits for Ctrl-C or SIGTERM. The second one ends the process whatever is under way. */
const ended = () =>
  new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve())
  })
