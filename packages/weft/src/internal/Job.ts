/**
 * Jobs: what is asked for, made ready to be submitted. The input is checked, the graph built, the code found.
 */
import { type AnyWorkflow, GraphBuilder, isWorkflow } from "@weft/core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** An input that the workflow's schema refuses. */
export class InvalidInput extends Data.TaggedError("InvalidInput")<{
  readonly workflow: string
  /** Each with the path of the field, where there is one. */
  readonly issues: ReadonlyArray<string>
}> {
  override get message() {
    return `the input of ${this.workflow} is not valid: ${this.issues.join("; ")}`
  }
}

/** A workflow's builder that threw. */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{
  readonly workflow: string
  readonly cause: unknown
}> {
  override get message() {
    return `the graph of ${this.workflow} could not be built: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/** What is asked for, ready to be submitted. */
export interface Job extends GraphBuilder.Built {
  readonly name: string
  readonly module: string | undefined
}

/** Makes a job of a workflow and its input, or of any nesting of nodes. */
export const make = Effect.fnUntraced(function* (
  what: unknown,
  input: unknown,
  module: string | undefined
): Effect.fn.Return<Job, InvalidInput | BuildFailed> {
  if (!isWorkflow(what)) return { ...(yield* build("nodes", () => what)), name: "nodes", module }
  const checked = yield* checkInput(what, input)
  return {
    ...(yield* build(what.name, () => what.build(checked))),
    name: what.name,
    module: module ?? what.module
  }
})

const build = (workflow: string, targets: () => unknown) =>
  Effect.try({
    try: () => GraphBuilder.make(targets(), workflow),
    catch: (cause) => new BuildFailed({ workflow, cause })
  })

const checkInput = Effect.fnUntraced(function* (workflow: AnyWorkflow, input: unknown) {
  if (workflow.input === undefined) return input
  const schema = workflow.input["~standard"]
  const result = yield* Effect.promise(() => Promise.resolve(schema.validate(input)))
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ message, path }) => {
    const at = path?.map((step) => String(typeof step === "object" ? step.key : step)).join(".")
    return at === undefined || at === "" ? message : `${at}: ${message}`
  })
  return yield* new InvalidInput({ workflow: workflow.name, issues })
})
