/**
 * The command that is run while the service is there.
 */
import { spawn } from "node:child_process"
import { constants } from "node:os"
import * as Data from "effect/Data"

/** A command that cannot be run. */
export class CommandError extends Data.TaggedError("CommandError")<{
  readonly command: string
  readonly cause: NodeJS.ErrnoException
}> {
  override get message() {
    const { cause, command } = this
    return cause.code === "ENOENT"
      ? `there is no command ${command}`
      : `${command} cannot be run: ${cause.message}`
  }
}

/**
 * Runs a command to its end and answers its exit code: of one that was killed, 128 and the signal's number. SIGTERM is
 * handed on; Ctrl-C in a terminal reaches the command without us, and we wait for what it makes of it.
 */
export const runCommand = (
  [command = "", ...args]: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): Promise<number> =>
  new Promise((resolve, reject) => {
    const interrupted = () => {}
    const terminated = () => void child.kill("SIGTERM")
    // Before there is a child: it may run before it is known here.
    process.on("SIGINT", interrupted).on("SIGTERM", terminated)
    const child = spawn(command, args, {
      stdio: "inherit",
      env: { ...process.env, ...env },
      shell: process.platform === "win32"
    })
    const settle = () => process.off("SIGINT", interrupted).off("SIGTERM", terminated)
    child.on("error", (cause) => {
      settle()
      reject(new CommandError({ command, cause }))
    })
    child.on("close", (code, signal) => {
      settle()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
