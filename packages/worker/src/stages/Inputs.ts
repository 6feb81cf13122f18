/**
 * The stage `inputs`: gets a node's arguments together.
 *
 * What is in memory is taken from there (made here, or carried by the invocation, or come with a reply); the rest is
 * fetched in one read. What nobody has any more, because the worker that had it is gone, is computed again from its
 * ancestors.
 */
import { Codec, Flow, Graph, Instance, type InstanceId } from "@weft/core"
import type { Read } from "@weft/metrics/recording"
import type { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Arguments from "../Arguments.ts"
import type { EngineError } from "../Engine.ts"
import type { OutOfTime } from "../Limit.ts"
import { LiveItems } from "../LiveItems.ts"
import { type Prompt, toEffect } from "../Prompt.ts"
import { constantKey, valueKey } from "../RunContext.ts"
import { StreamHandle } from "../StreamHandle.ts"
import { NeedsMemory, NodeFailed, Overtaken, type WorkerState } from "../WorkerState.ts"
import { isOvertaken } from "./Complete.ts"
import { call, iterate } from "./Execute.ts"

/** The arguments, the list's length where there is one, and how many bytes were read for them. */
export interface Inputs {
  readonly args: ReadonlyArray<unknown>
  readonly width: number
  readonly bytes: number
  /** What of them, read or not, came from other workers. */
  readonly read: Read
}

type Failures = NodeFailed | Overtaken | OutOfTime | NeedsMemory | StoreError | EngineError

/**
 * Gets the arguments of an instance.
 *
 * @param again given while a value is computed again: what has been computed for that
 */
export const inputs = (
  state: WorkerState,
  instance: InstanceId,
  again?: Array<InstanceId>
): Prompt<Inputs, Failures> => {
  const { graph } = state.context
  const id = Instance.nodeOf(instance)
  if (graph.columns.codes[id] === Graph.code.collect) return collectInputs(state, instance, again)
  const missing = absent(state, Flow.inputs(graph, instance))
  const constants = absentConstants(state, id)
  if (missing.length === 0 && constants.length === 0) return decoded(state, instance, 0, 0)
  return Effect.flatMap(fetch(state, instance, missing, constants, again), (bytes) =>
    toEffect(() => decoded(state, instance, 0, bytes))
  )
}

/** A collect learns how many elements there are, then reads them. */
const collectInputs = Effect.fnUntraced(function* (
  state: WorkerState,
  instance: InstanceId,
  again: Array<InstanceId> | undefined
) {
  const { graph } = state.context
  const [reference] = graph.columns.args[Instance.nodeOf(instance)] as [Graph.Ref]
  const opened = Instance.make(reference.node, Instance.indicesOf(instance))
  let bytes = yield* fetch(
    state,
    instance,
    absent(state, [opened]),
    absentConstants(state, Instance.nodeOf(instance)),
    again
  )
  const width = yield* widthOf(state, instance, opened)
  bytes += yield* fetch(state, instance, absent(state, Flow.inputs(graph, instance, width)), [], again)
  return yield* toEffect(() => decoded(state, instance, width, bytes))
})

/** How many elements a list had: the value of the node that opened it. */
const widthOf = (state: WorkerState, reader: InstanceId, opened: InstanceId) =>
  Effect.suspend(() => {
    let width: unknown
    try {
      width = state.values.get(opened)
    } catch (error) {
      if (!(error instanceof Codec.Undecodable)) throw error
      return Effect.fail(unreadable(state, reader, opened, error.message))
    }
    return typeof width === "number" && Number.isInteger(width) && width >= 0
      ? Effect.succeed(width)
      : Effect.fail(unreadable(state, reader, opened, "it is no length of a list"))
  })

const absent = (state: WorkerState, instances: ReadonlyArray<InstanceId>) =>
  instances.filter((instance) => !state.values.has(instance))

const absentConstants = (state: WorkerState, id: number) =>
  state.context.hasStoredConstants
    ? Arguments.constants(state.context.graph, id).filter(
        (index) => state.context.constant(index) === undefined
      )
    : NONE
const NONE: ReadonlyArray<never> = []

const decoded = (
  state: WorkerState,
  instance: InstanceId,
  width: number,
  bytes: number
): Prompt<Inputs, NodeFailed> => {
  let reading: InstanceId = instance
  state.values.beginReading()
  try {
    const args = Arguments.resolve(state.context.graph, instance, width, {
      value: (input) => {
        reading = input
        const value = state.values.get(input)
        return value instanceof StreamHandle ? liveItems(state, value, instance) : value
      },
      constant: (index) => state.context.constant(index)?.value
    })
    return { args, width, bytes, read: state.values.read }
  } catch (error) {
    if (!(error instanceof Codec.Undecodable)) throw error
    return Effect.fail(unreadable(state, instance, reading, error.message))
  }
}

const isStream = (state: WorkerState, instance: InstanceId) =>
  state.streams !== undefined && state.context.streamed.has(Instance.nodeOf(instance))

/** What a reader gets of a node whose items are streamed. */
const liveItems = (
  state: WorkerState,
  { instance }: StreamHandle,
  reader: InstanceId
): AsyncIterable<unknown> => {
  const generate = async function* () {
    const made: Array<InstanceId> = []
    const { args } = await Effect.runPromise(toEffect(() => inputs(state, instance, made)))
    for (const one of made) state.values.forget(one)
    yield* iterate(state, instance, args)
  }
  return state.streams === undefined
    ? { [Symbol.asyncIterator]: generate }
    : new LiveItems(state, state.streams, instance, reader, generate)
}

/** A value from a store, or an invocation, that is not what was put there. */
const unreadable = (state: WorkerState, reader: InstanceId, input: InstanceId, problem: string) =>
  inputFailed(
    state,
    reader,
    `the value of ${state.context.label(input)}, as it came here, cannot be read: ${problem}. Run the workflow again`
  )

const inputFailed = (state: WorkerState, instance: InstanceId, message: string) =>
  new NodeFailed({
    instance,
    task: state.context.graph.name(Instance.nodeOf(instance)),
    kind: "input",
    worker: state.worker,
    attempts: 1,
    message
  })

/** Brings values and constants into memory; how many bytes were read. */
const fetch = Effect.fnUntraced(function* (
  state: WorkerState,
  reader: InstanceId,
  missing: ReadonlyArray<InstanceId>,
  constants: ReadonlyArray<number>,
  again: Array<InstanceId> | undefined
): Effect.fn.Return<number, Failures> {
  const bytes = yield* loaded(state, reader, missing, constants)
  const lost = absent(state, missing)
  if (lost.length > 0) {
    // Values go when all who read them are complete. That costs a call, and computing them again may cost a lot.
    const isFirst = again === undefined && reader === state.running
    if (isFirst && (yield* isOvertaken(state, reader))) return yield* Effect.fail(new Overtaken())
    const made = again ?? []
    for (const instance of lost) yield* recompute(state, instance, made)
    if (again === undefined) {
      // The reader's completion unpins what it reads; what only led there goes now.
      for (const instance of lost) state.values.pin(instance)
      for (const instance of made) state.values.forget(instance)
    }
  }
  return bytes
})

/** What is being fetched ahead is waited for, the rest read meanwhile. */
const loaded = (
  state: WorkerState,
  reader: InstanceId,
  missing: ReadonlyArray<InstanceId>,
  constants: ReadonlyArray<number>
): Effect.Effect<number, Failures> => {
  const { prefetch } = state
  if (prefetch === undefined) return load(state, reader, missing, constants)
  const coming: Array<InstanceId> = []
  const rest: Array<InstanceId> = []
  for (const one of missing) (prefetch.isComing(one) ? coming : rest).push(one)
  if (coming.length === 0) return load(state, reader, missing, constants)
  return Effect.gen(function* () {
    const arrived = state.inTime(prefetch.arrived(coming))
    const [bytes] = yield* Effect.all([load(state, reader, rest, constants), arrived], { concurrency: 2 })
    // What did not come.
    return bytes + (yield* load(state, reader, absent(state, coming), NONE))
  })
}

/** Reads values and constants; how many bytes. Values that are nowhere to be had are still absent then. */
const load = Effect.fnUntraced(function* (
  state: WorkerState,
  reader: InstanceId,
  missing: ReadonlyArray<InstanceId>,
  constants: ReadonlyArray<number>
): Effect.fn.Return<number, Failures> {
  let bytes = 0
  const came = (instance: InstanceId, value: Uint8Array) => {
    state.values.came(instance, value, true)
    bytes += value.length
  }
  const found = missing.length === 0 ? [] : yield* state.inTime(state.coordination.read(state.run, missing))
  for (const [i, instance] of missing.entries()) {
    // Wherever its items are: that is found out when they are asked for.
    if (isStream(state, instance) && !(found[i] instanceof Uint8Array)) {
      state.values.made(instance, new StreamHandle(instance), 0)
      state.values.setStored(instance)
    }
  }
  const large = missing.filter((one, i) => found[i] === "object" && !isStream(state, one))
  for (const [i, value] of found.entries()) if (value instanceof Uint8Array) came(missing[i]!, value)
  if (large.length + constants.length > 0) {
    const keys = [...large.map(valueKey), ...constants.map(constantKey)]
    const objects = yield* state.inTime(state.objects.get(state.run, keys))
    for (const [i, object] of objects.entries()) {
      if (object === undefined) continue
      if (i < large.length) came(large[i]!, object)
      else yield* keepConstant(state, reader, constants[i - large.length]!, object)
    }
  }
  return bytes
})

const keepConstant = (state: WorkerState, reader: InstanceId, index: number, bytes: Uint8Array) =>
  Effect.try({
    try: () => state.context.setConstant(index, bytes),
    catch: (error) =>
      inputFailed(
        state,
        reader,
        `a constant cannot be read: ${error instanceof Error ? error.message : String(error)}`
      )
  })

/** Computes a value again that is complete but nowhere to be had; what was computed for that is added to `made`. */
const recompute = (
  state: WorkerState,
  instance: InstanceId,
  made: Array<InstanceId>
): Effect.Effect<void, Failures> =>
  Effect.suspend(() => {
    if (state.values.has(instance)) return Effect.void
    const { graph } = state.context
    const id = Instance.nodeOf(instance)
    const indices = Instance.indicesOf(instance)
    const add = (value: unknown) => {
      if (state.values.has(instance)) return
      state.values.made(instance, value, 0)
      made.push(instance)
    }
    if (graph.columns.codes[id] === Graph.code.item) {
      const { expand, parent } = graph.columns.scopes[graph.columns.scopeOf[id]!]!
      const outside = indices.slice(0, -1)
      const opened = parent === 0 ? expand! : Instance.make(expand!, outside)
      return Effect.map(
        toEffect(() => inputs(state, opened, made)),
        ({ args }) => add((args[0] as ReadonlyArray<unknown>)[indices.at(-1)!])
      )
    }
    const memoryMiB = state.invocation.named ? undefined : state.missingMemory(instance)
    if (memoryMiB !== undefined) return Effect.fail(new NeedsMemory(memoryMiB))
    return Effect.gen(function* () {
      const { args } = yield* toEffect(() => inputs(state, instance, made))
      const { value } = yield* state.inTime(toEffect(() => call(state, { instance, attempt: 1 }, args)))
      add(value)
    })
  })
