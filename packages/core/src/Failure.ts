/**
 * Failures as data, and the errors that a run ends with.
 *
 * What goes wrong in a worker is recorded where the client can read it, in plain data; the client turns it into one of
 * the errors below.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import * as Instance from "./Instance.ts"

/**
 * - `error`: the task threw or rejected
 * - `timeout`: one attempt took longer than the task's timeout
 * - `lost`: the workers that ran it were lost, as often as the run allows
 * - `result`: what the task returned cannot be stored or sent
 * - `input`: what it reads could not be had, or is not what it needs (an `each` over something that is no list)
 * - `missing`: the workflow's module has no such task, or cannot be imported
 * - `store`: the store would not take, or give, what it needs: it is full, refuses it, or holds what is not ours
 */
export type FailureKind = "error" | "timeout" | "lost" | "result" | "input" | "missing" | "store"

/** Why a node failed for good. */
export const Failure = Schema.Struct({
  /** Which instance failed (see `Instance.ts`). */
  instance: Schema.Union([Schema.Number, Schema.String]),
  /** Its task, or what kind of node it is; a store that recorded the failure by itself does not know. */
  task: Schema.optionalKey(Schema.String),
  kind: Schema.Literals(["error", "timeout", "lost", "result", "input", "missing", "store"]),
  /** The worker that failed last. */
  worker: Schema.String,
  /** How often it was tried, over all workers and retries. */
  attempts: Schema.Int,
  /** The thrown error's name; `undefined` if what was thrown is no Error. */
  name: Schema.optionalKey(Schema.String),
  message: Schema.String,
  stack: Schema.optionalKey(Schema.String),
  /** The end of what the task wrote to stderr, where it was captured. */
  stderr: Schema.optionalKey(Schema.String)
})
export type Failure = typeof Failure.Type

/**
 * How files are called in bundles, which have their lines from source maps: below this folder, as seen from the workflow's
 * file, with `_up_` for `..`. So a bundle is the same wherever it is made.
 */
export const SOURCES = "weft-source"
/** What names of a bundle's own files begin with: their lines are none that anybody wrote. */
export const BUNDLED = "weft-bundle"
const UP = "_up_"

/** The name of a file in the stacks of a bundle; both are paths with slashes, and `file` is relative to the workflow's. */
export const sourceOf = (file: string): string => `${SOURCES}/${file.replaceAll(/(?<=^|\/)\.\.(?=\/)/g, UP)}`

/** What comes before a file, where the bundle lies, the file's name in it; the line and column follow. */
const OF_BUNDLE = new RegExp(
  `^(\\s+at (?:async )?(?:.*\\()?)(?:file://)?(?:/|[A-Za-z]:).*?/${SOURCES}/(.+?)(?=:\\d+:\\d+\\)?$)`,
  "gm"
)

/**
 * A stack with the files of a bundle where they are for whoever begins runs.
 *
 * @param module the URL of the workflow's module
 */
export const located = (stack: string, module: string): string =>
  stack.replaceAll(OF_BUNDLE, (_, before: string, file: string) => {
    const path = file.split("/").map((part) => (part === UP ? ".." : encodeURIComponent(part)))
    return before + new URL(path.join("/"), module).href
  })

/** Where weft's own packages lie: `node_modules/@weft/` when installed. */
const ours = new URL("../../", import.meta.url).href

/** The first line of a stack that is the user's own: not the language's, not Node's, not weft's, not a dependency's. */
export const userLine = (stack: string | undefined): string | undefined =>
  stack
    ?.split("\n")
    .find(
      (line) =>
        /^\s+at .*:\d+:\d+\)?$/.test(line) &&
        !/node:|node_modules/.test(line) &&
        !line.includes(`/${BUNDLED}.`) &&
        !(line.includes(ours) && /\/(src|dist)\//.test(line))
    )
    ?.trim()

/** Says what went wrong, for people, on a few lines. */
export const describe = (failure: Failure): string => {
  const what =
    failure.kind === "error"
      ? `${failure.name === undefined ? "threw" : `${failure.name}:`} ${failure.message}`
      : failure.message
  const tries = failure.attempts === 1 ? "" : ` (${failure.attempts} attempts)`
  const line = userLine(failure.stack)
  return `${Instance.label(failure.task ?? "", failure.instance)} failed${tries} on worker ${failure.worker}: ${what}${line === undefined ? "" : `\n    ${line}`}`
}

/** A run that ended because a node failed for good. */
export class RunFailed extends Data.TaggedError("RunFailed")<{
  readonly run: string
  readonly workflow: string
  /** Every node that failed; at least one. */
  readonly failures: ReadonlyArray<Failure>
}> {
  override get message() {
    return `run ${this.run} of ${this.workflow} failed: ${this.failures.map(describe).join("\n")}`
  }
}

/** A run that was cancelled. */
export class RunCancelled extends Data.TaggedError("RunCancelled")<{
  readonly run: string
  readonly reason: string
}> {
  override get message() {
    return `run ${this.run} was cancelled: ${this.reason}`
  }
}
