/**
 * The command `weft`: its subcommands, and how it ends.
 */
import { readFileSync } from "node:fs"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { resumeCommand, watchCommand } from "./AttachCommand.ts"
import { CliFailure, exitCode } from "./CliFailure.ts"
import { deployCommand, undeployCommand } from "./DeployCommand.ts"
import { explain } from "./Explain.ts"
import { graphCommand } from "./GraphCommand.ts"
import * as Help from "./Help.ts"
import { historyCommand } from "./HistoryCommand.ts"
import { runCommand } from "./RunCommand.ts"
import { cancelCommand, cleanCommand, runsCommand } from "./RunsCommand.ts"
import { showCommand } from "./ShowCommand.ts"
import { simulateCommand } from "./SimulateCommand.ts"
import { write } from "./Streams.ts"
import { styleFor } from "./Style.ts"

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  return (manifest as { readonly version: string }).version
}

const weft = Command.make("weft").pipe(
  Command.withDescription("Runs workflows: graphs of ordinary TypeScript functions, without a scheduler."),
  Command.withSubcommands([
    runCommand,
    graphCommand,
    simulateCommand,
    resumeCommand,
    watchCommand,
    runsCommand,
    showCommand,
    cancelCommand,
    cleanCommand,
    historyCommand,
    deployCommand,
    undeployCommand
  ]),
  Command.withExamples([
    { command: "weft run flow.ts", description: "Run a workflow and print its result" },
    { command: "weft graph flow.ts --out graph.svg", description: "Draw it" },
    {
      command: "weft simulate flow.ts --planner simple,uniform,report2",
      description: "Compare planners, without running it"
    },
    {
      command: "weft runs --store redis://localhost:6379",
      description: "What runs are in a store; see also show, resume, watch, cancel and clean"
    },
    {
      command: "weft history list",
      description: "What past runs have measured; see also export, import and prune"
    },
    {
      command: "weft deploy flow.ts",
      description: "Make its functions on AWS Lambda, for weft run --engine lambda; see also undeploy"
    },
    { command: "weft run --help", description: "Everything about a command" },
    {
      command: "weft --completions zsh > ~/.zfunc/_weft",
      description: "Let the shell complete commands and flags"
    }
  ])
)

const layer = Layer.mergeAll(
  NodeServices.layer,
  CliOutput.layerPresenter(Help.presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
)

/** Runs the command, then ends the process. */
export const main = async (args: ReadonlyArray<string>): Promise<never> => {
  survive()
  const exit = await Effect.runPromiseExit(
    Command.runWith(weft, { version: version() })(args).pipe(Effect.provide(layer))
  )
  const code = Exit.isSuccess(exit) ? exitCode.ok : await tell(Cause.squash(exit.cause))
  // What a workflow left behind, such as an open connection, must not keep the process.
  await write("stdout", "")
  await write("stderr", "")
  process.exit(code)
}

/** Says what went wrong and answers the code to end with. */
const tell = async (error: unknown): Promise<number> => {
  if (CliError.isCliError(error)) {
    return error._tag === "ShowHelp" && error.errors.length === 0 ? exitCode.ok : exitCode.usage
  }
  const { code, text } = error instanceof CliFailure ? error : explain(error, process.cwd())
  if (text !== undefined) await write("stderr", `${styleFor(process.stderr)("red", "error:")} ${text}\n`)
  return code
}

/** Keeps the process from ending in ways that tell people nothing. */
const survive = () => {
  for (const name of ["stdout", "stderr"] as const) {
    process[name].on("error", (error: NodeJS.ErrnoException) => {
      // Nobody reads any more, as in `weft graph flow.ts | head`.
      if (error.code === "EPIPE") return
      if (name === "stdout") process.stderr.write(`error: stdout could not be written: ${error.message}\n`)
      process.exit(exitCode.failed)
    })
  }
  process.once("beforeExit", () => {
    process.stderr.write(
      "error: there is nothing left to wait for, but the command has not ended: does a module await a promise that never settles?\n"
    )
    process.exit(exitCode.failed)
  })
  const emit = process.emitWarning
  process.emitWarning = (...args: ReadonlyArray<unknown>) => {
    // Whether the workflow's package.json says "type": "module" is no concern of who runs it.
    if (JSON.stringify(args[1])?.includes("MODULE_TYPELESS_PACKAGE_JSON")) return
    Reflect.apply(emit, process, args)
  }
}
