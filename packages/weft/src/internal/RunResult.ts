/**
 * What a run came to: its value, or why there is none.
 */
import { Codec, Failure, Graph, Instance, Nesting, RunCancelled, RunFailed } from "@weft/core"
import { Coordination, ObjectStore, type RunState, StoreError } from "@weft/storage"
import { Arguments, constantKey, valueKey } from "@weft/worker"
import * as Effect from "effect/Effect"
import { UnknownRun } from "./RunErrors.ts"

/** What has to be known of a run. */
interface Known {
  readonly graph: Graph.Graph
  /** The URL of the module that exports the tasks, as far as known. */
  readonly module: string | undefined
}

/** Fails with why a run has no result, if it has none. */
export const check = Effect.fnUntraced(function* (known: Known, state: RunState) {
  if (state.status === "gone") return yield* new UnknownRun({ run: state.run })
  if (state.status === "cancelled")
    return yield* new RunCancelled({ run: state.run, reason: state.reason ?? "no reason given" })
  if (state.status === "succeeded") return
  // A failed run says why, unless its client was faster than who watched it, and has removed it.
  if (state.failures.length > 0) {
    return yield* new RunFailed({
      run: state.run,
      workflow: state.workflow,
      failures: state.failures.map((failure) => shown(known, failure))
    })
  }
  if (state.reason === undefined) return yield* new UnknownRun({ run: state.run })
  return yield* new StoreError({
    reason: "corrupt",
    operation: "read",
    detail: `run ${state.run} of ${state.workflow} failed, and ${state.reason}. Run the workflow again`
  })
})

/** The value that was asked for, or why there is none. */
export const read = Effect.fnUntraced(function* (known: Known, state: RunState) {
  yield* check(known, state)
  const { graph } = known
  const values = yield* targetValues(graph, state.run)
  const constants = yield* storedConstants(graph, state.run)
  return Arguments.fill(graph, graph.columns.targets, [], {
    value: (instance) => values.get(instance),
    constant: (index) => {
      const constant = graph.columns.constants[index]
      return constant !== undefined && "value" in constant ? constant.value : constants.get(index)
    }
  })
})

const targetValues = Effect.fnUntraced(function* (graph: Graph.Graph, run: string) {
  const coordination = yield* Coordination
  const targets = [...graph.targets]
  const stored = targets.length === 0 ? [] : yield* coordination.read(run, targets)
  const large = targets.filter((_, i) => stored[i] === "object")
  const objects = yield* fetch(run, large.map(valueKey))
  const values = new Map<Instance.InstanceId, unknown>()
  for (const [i, target] of targets.entries()) {
    const value = stored[i] === "object" ? objects.get(valueKey(target)) : stored[i]
    if (!(value instanceof Uint8Array)) return yield* missing(run, `the value of ${graph.label(target)}`)
    values.set(target, yield* decode(run, value))
  }
  return values
})

/** Large constants that are part of what was asked for; there are some only where the graph came from the store. */
const storedConstants = Effect.fnUntraced(function* (graph: Graph.Graph, run: string) {
  const wanted: Array<number> = []
  const leaf = (at: unknown) => {
    if (!(at instanceof Graph.Const)) return at
    const constant = graph.columns.constants[at.index]
    if (constant !== undefined && "stored" in constant) wanted.push(at.index)
    return at
  }
  Nesting.map([graph.columns.targets], { leaf })
  const objects = yield* fetch(run, wanted.map(constantKey))
  const constants = new Map<number, unknown>()
  for (const index of wanted) {
    const bytes = objects.get(constantKey(index))
    if (bytes === undefined) return yield* missing(run, `constant ${index}`)
    constants.set(index, yield* decode(run, bytes))
  }
  return constants
})

const fetch = Effect.fnUntraced(function* (run: string, keys: ReadonlyArray<string>) {
  const objects = yield* ObjectStore
  const found = keys.length === 0 ? [] : yield* objects.get(run, keys)
  return new Map(keys.map((key, i) => [key, found[i]]))
})

const decode = (run: string, bytes: Uint8Array) =>
  Effect.try({
    try: () => Codec.decode(bytes),
    catch: (cause) =>
      new StoreError({
        reason: "corrupt",
        operation: "read",
        detail: `a value of run ${run} is not what was put there: ${String(cause)}; run the workflow again`,
        cause
      })
  })

/** Somebody else may have fetched the result, and removed it, in this moment. */
const missing = Effect.fnUntraced(function* (run: string, what: string) {
  const coordination = yield* Coordination
  const { status } = yield* coordination.state(run)
  if (status === "gone") return yield* new UnknownRun({ run })
  return yield* new StoreError({
    reason: "corrupt",
    operation: "read",
    detail: `${what}, which run ${run} has computed, is not there any more; run the workflow again`
  })
})

/** A store that recorded a failure by itself does not know the task; and a bundle not where its files were. */
const shown = ({ graph, module }: Known, failure: Failure.Failure): Failure.Failure => ({
  task: graph.name(Instance.nodeOf(failure.instance)),
  ...failure,
  ...(failure.stack === undefined || module === undefined
    ? {}
    : { stack: Failure.located(failure.stack, module) })
})
