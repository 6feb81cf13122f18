/**
 * Errors for people: what is expected to go wrong without a stack, what is not with one.
 */
import { Failure, Plan } from "@weft/core"
import { StoreError } from "@weft/storage"
import { EngineError, ModuleError } from "@weft/worker"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { LayoutFailed } from "../draw/Svg.ts"
import { InvalidHistory } from "../internal/HistoryPlace.ts"
import { BuildFailed, InvalidInput } from "../internal/Job.ts"
import { NotRecorded } from "../internal/Records.ts"
import { AmbiguousRun, NoModule, UnknownRun, UnreadableRun } from "../internal/RunErrors.ts"
import { InvalidStore } from "../internal/StoreUrl.ts"
import { CliFailure, failed, usage } from "./CliFailure.ts"
import { relativeLine, shownPath } from "./FailureText.ts"

/** What an error means for whoever called the command. */
export const explain = (error: unknown, folder: string): CliFailure => {
  if (error instanceof CliFailure) return error
  if (error instanceof ModuleError) {
    const reason = error.reason.replaceAll(/^\s+(at|file:).*$/gm, (line) => relativeLine(line, folder))
    return failed(`${shownPath(error.file, folder)}: ${reason}`)
  }
  if (error instanceof InvalidInput) {
    return usage(
      [`the input of ${error.workflow} is not valid:`, ...error.issues.map((issue) => `  ${issue}`)].join(
        "\n"
      )
    )
  }
  if (error instanceof BuildFailed) return failed(withLine(error.message, error.cause, folder))
  if (error instanceof LayoutFailed) {
    return failed(`the graph could not be drawn: ${error.message}\nTry --group, or --format dot.`)
  }
  if (isTagged(error, "InvalidDeployment")) return usage(error.message)
  if (isTagged(error, ...DEPLOYING)) return failed(error.message)
  if (error instanceof InvalidHistory) return usage(error.message)
  if (error instanceof InvalidStore || error instanceof AmbiguousRun) return usage(error.message)
  if (
    error instanceof UnknownRun ||
    error instanceof UnreadableRun ||
    error instanceof NoModule ||
    error instanceof NotRecorded
  ) {
    return failed(error.message)
  }
  if (error instanceof Plan.InvalidPlan || error instanceof EngineError || error instanceof StoreError) {
    return failed(error.message)
  }
  return failed(
    error instanceof Error ? `this should not have happened: ${error.stack}` : `it threw ${String(error)}`
  )
}

/** What can be wrong with Lambda: by name, since these classes are loaded only by who uses it. */
const DEPLOYING = [
  "BundleFailed",
  "BundleTooLarge",
  "CheckFailed",
  "InstallFailed",
  "InvalidManifest",
  "LambdaError",
  "NativeDependency"
]

const isTagged = (error: unknown, ...tags: ReadonlyArray<string>): error is Error =>
  error instanceof Error && "_tag" in error && tags.includes(String(error._tag))

/** The same effect, failing with what its errors mean, also those that nobody expects. */
export const explained = <A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, CliFailure, R> =>
  Effect.catchCause(effect, (cause) => Effect.fail(explain(Cause.squash(cause), process.cwd())))

/** A message and the user's own line, where the error has one. */
export const withLine = (message: string, cause: unknown, folder: string): string => {
  const line = cause instanceof Error ? Failure.userLine(cause.stack) : undefined
  return line === undefined ? message : `${message}\n    ${relativeLine(line, folder)}`
}
