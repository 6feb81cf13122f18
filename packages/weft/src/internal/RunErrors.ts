/**
 * What can be wrong with a run that somebody else began.
 */
import * as Data from "effect/Data"

/** A run that the store does not have, or has no longer. */
export class UnknownRun extends Data.TaggedError("UnknownRun")<{
  /** What was asked for: an id, or the beginning of one. */
  readonly run: string
}> {
  override get message() {
    return (
      `there is no run ${this.run} in the store: its client has fetched the result, it was removed, it has expired, ` +
      "or it is in another store. `weft runs` lists those that there are"
    )
  }
}

/** The beginning of an id that several runs have. */
export class AmbiguousRun extends Data.TaggedError("AmbiguousRun")<{
  readonly run: string
  /** The ids that begin with it. */
  readonly candidates: ReadonlyArray<string>
}> {
  override get message() {
    return `several runs begin with ${this.run}: ${this.candidates.join(", ")}. Write more of the id`
  }
}

/** A run whose graph or plan cannot be read. */
export class UnreadableRun extends Data.TaggedError("UnreadableRun")<{
  readonly run: string
  readonly problem: string
}> {
  override get message() {
    return (
      `run ${this.run} cannot be read: ${this.problem}. Go on with it by the version of weft that began it, ` +
      `or remove it: \`weft cancel ${this.run}\`, then \`weft clean\``
    )
  }
}

/** A run of which nobody has said where its tasks are. */
export class NoModule extends Data.TaggedError("NoModule")<{ readonly run: string }> {
  override get message() {
    return (
      `run ${this.run} can be gone on with only by the program that began it: it is of single nodes, and was not told ` +
      "which module exports their tasks. Pass `module` to `attach`; begin such runs with `module: import.meta.url`"
    )
  }
}

/** What a handle that only followed a run has for a result when it was disposed of. */
export class RunLeft extends Data.TaggedError("RunLeft")<{ readonly run: string }> {
  override get message() {
    return `run ${this.run} is not followed any more: the handle on it was disposed of`
  }
}
