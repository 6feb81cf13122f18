/**
 * How a command ends when it does not succeed.
 */
import * as Data from "effect/Data"

/** The exit codes of `weft`. A run that was interrupted ends with 128 plus the signal's number. */
export const exitCode = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const

/** What went wrong, for people, and with what code the process ends. */
export class CliFailure extends Data.TaggedError("CliFailure")<{
  readonly code: number
  /** Written to stderr; `undefined` if all has been said. */
  readonly text?: string
}> {
  override get message() {
    return this.text ?? `exit code ${this.code}`
  }
}

/** The run failed, or a file cannot be used. */
export const failed = (text: string): CliFailure => new CliFailure({ code: exitCode.failed, text })

/** The command line or the input is wrong. */
export const usage = (text: string): CliFailure => new CliFailure({ code: exitCode.usage, text })

/** Ends with a code; everything has been said. */
export const ended = (code: number): CliFailure => new CliFailure({ code })
