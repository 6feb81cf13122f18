/**
 * The worker: a pipeline of stages.
 *
 *     start → [ inputs → execute → publish → complete → handOff ]* → stop
 *
 * A flexible worker runs the work of its invocation and what follows from it, and leaves. A named one attaches under
 * its name, runs what the plan gave it as it becomes ready, and leaves when nothing has come for a while; whoever then
 * makes work ready for it sees that it is not alive and invokes it anew.
 */
import { Flow, type Graph, Instance, type InstanceId } from "@weft/core"
import { Coordination, type Kept, ObjectStore, type StoreError } from "@weft/storage"
import { Effect, Latch, Option } from "effect"
import { wrapped, wrappedWorker } from "./Behaviours.ts"
import { type EngineError, Host, type Invoker } from "./Engine.ts"
import type { Invocation, Work } from "./Invocation.ts"
import * as Prompt from "./Prompt.ts"
import type { RunContext } from "./RunContext.ts"
import { complete, drain, tellSoon } from "./stages/Complete.ts"
import { call, type Executed } from "./stages/Execute.ts"
import { handOver, tree } from "./stages/HandOff.ts"
import { type Inputs, inputs } from "./stages/Inputs.ts"
import { publish, publishItems, store } from "./stages/Publish.ts"
import * as Turn from "./Turn.ts"
import { NodeFailed, WorkerState } from "./WorkerState.ts"

/** Runs one worker to its end. A node that fails for good ends the run and the worker, not this effect. */
export const run = Effect.fnUntraced(function* (
  context: RunContext,
  invocation: Invocation,
  invoker: Invoker
): Effect.fn.Return<void, StoreError | EngineError, Coordination | ObjectStore | Host> {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const host = yield* Host
  const state = new WorkerState({ context, invocation, invoker, coordination, objects, host })
  yield* Effect.catch(life(state), (error) =>
    error instanceof NodeFailed ? coordination.fail(context.run, error.failure) : Effect.fail(error)
  )
})

const life = (state: WorkerState) => {
  const { invocation, invoker } = state
  const begin = Effect.suspend(() =>
    invocation.spawn.length === 0 ? Effect.void : invoker.invoke(tree(invocation.spawn, invoker.fanOut))
  )
  const lived = invocation.named ? Effect.scoped(namedLife(state)) : flexibleLife(state)
  if (state.context.behaviours.length === 0) return Effect.andThen(begin, lived)
  return Effect.andThen(wrappedWorker(state, "start", begin), Effect.ensuring(lived, leave(state)))
}

/** How long the stage `stop` may take, in ms. */
const LEAVE_MS = 1000

/** The stage `stop`: also for a worker that is interrupted, as most are when the last target is complete. */
const leave = (state: WorkerState) =>
  Effect.promise(async () => {
    const stop = Effect.suspend(() => wrappedWorker(state, "stop", Effect.void))
    await Effect.runPromiseExit(Effect.timeoutOption(stop, LEAVE_MS))
  })

const flexibleLife = Effect.fnUntraced(function* (state: WorkerState) {
  state.adopt(state.invocation.work)
  yield* work(state)
})

const namedLife = Effect.fnUntraced(function* (state: WorkerState) {
  const { coordination, host, invoker, run, worker } = state
  const incarnation = crypto.randomUUID()
  const woken = Latch.makeUnsafe(false)
  yield* coordination.subscribe(run, worker, () => woken.openUnsafe())
  const attached = yield* coordination.attach(run, worker, incarnation)
  if (attached === undefined) return
  yield* handOver(state, attached)
  while (state.status === "running") {
    yield* work(state)
    if (state.status !== "running") break
    // What woke us may have been handed over by now: the state is asked, the message only says when.
    woken.closeUnsafe()
    yield* handOver(state, yield* coordination.complete(run, worker, []))
    if (state.peek() !== undefined || state.status !== "running") continue
    const message = yield* host.idle(woken.await.pipe(Effect.timeoutOption(invoker.idleMs)))
    if (Option.isSome(message)) continue
    yield* keepHeld(state)
    yield* handOver(state, yield* coordination.detach(run, worker, incarnation))
    if (state.peek() === undefined) break
  }
})

/** Before a named worker leaves: values that only it has, and that others may ask for, go to the store. */
const keepHeld = Effect.fnUntraced(function* (state: WorkerState) {
  const keep: Array<Kept> = []
  for (const instance of [...state.values.unstored()]) {
    yield* Prompt.toEffect(() => store(state, instance, Instance.nodeOf(instance), keep))
  }
  if (keep.length > 0) yield* handOver(state, yield* state.coordination.keep(state.run, state.worker, keep))
})

/** Runs nodes until there are none and coordination knows of everything. */
const work = Effect.fnUntraced(function* (state: WorkerState) {
  while (state.status === "running") {
    const next = state.next()
    if (next !== undefined) {
      if (Turn.isDue()) yield* Turn.take
      if (state.status === "running") yield* node(state, next)
    } else {
      yield* drain(state)
      if (state.peek() === undefined) return
    }
  }
})

/** How often, in ms, a worker says what it is running. */
const NOTICE_MS = 100

/** Takes one node through its stages. Part of the worker's own generator: most nodes need no Effect at all. */
function* node(state: WorkerState, one: Work): Effect.fn.Return<void, NodeFailed | StoreError | EngineError> {
  const { instance } = one
  const { graph } = state.context
  const kind = graph.kind(Instance.nodeOf(instance))
  const beganAt = performance.now()
  if (kind === "call" && beganAt - state.noticedAt > NOTICE_MS) {
    state.noticedAt = beganAt
    state.tell({ type: "started", worker: state.worker, instance })
  }

  let gathered: Inputs | undefined
  const arguments_ = wrapped(state, "inputs", one, () =>
    Prompt.map(inputs(state, instance), (got) => {
      gathered = got
      return got.args
    })
  )
  const args = Prompt.waits(arguments_) ? yield* arguments_ : arguments_
  const executeAt = performance.now()

  const result = state.context.hasBehaviours(instance)
    ? wrappedCall(state, one, args)
    : call(state, one, args)
  // It takes its time: whoever waits for what came before it need not.
  if (state.lingers && Prompt.waits(result)) yield* tellSoon(state)
  const { tries, value } = Prompt.waits(result) ? yield* result : result
  const publishAt = performance.now()

  const width = kind === "expand" || kind === "gate" ? (value as number) : (gathered?.width ?? 0)
  const keep: Array<Kept> = []
  let outputBytes = 0
  const published = wrapped(state, "publish", one, () =>
    Prompt.map(publishAll(state, instance, kind, value, args, keep), (bytes) => {
      outputBytes = bytes
    })
  )
  if (Prompt.waits(published)) yield* published

  const reads = Flow.releases(graph, instance, width)
  const releases: Array<Flow.Release> = []
  for (const read of reads) {
    if (state.values.isStored(read.value)) releases.push(read)
    state.values.unpin(read.value)
  }
  state.values.trim()
  const measure = {
    startedAt: performance.timeOrigin + executeAt,
    inputsMs: executeAt - beganAt,
    executionMs: publishAt - executeAt,
    inputBytes: gathered?.bytes ?? 0,
    outputBytes,
    tries
  }
  const steps = Flow.steps(graph, instance, width)
  const completed = wrapped(state, "complete", one, () =>
    complete(state, { instance, width, keep, steps, releases, measure })
  )
  if (Prompt.waits(completed)) yield* completed
}

/** The stage `execute` of a node with behaviours, which see its value, and may give another. */
const wrappedCall = (
  state: WorkerState,
  one: Work,
  args: ReadonlyArray<unknown>
): Effect.Effect<Executed, NodeFailed> => {
  let tries = 0
  const bare = Effect.suspend(() =>
    Effect.map(
      Prompt.toEffect(() => call(state, one, args)),
      (executed) => {
        tries += executed.tries
        return executed.value
      }
    )
  )
  const value = wrapped<unknown, NodeFailed>(state, "execute", one, () => bare) as Effect.Effect<
    unknown,
    NodeFailed
  >
  return Effect.map(value, (value) => ({ value, tries }))
}

/** The node's value, and for a list that is opened its elements too; how many bytes were encoded. */
const publishAll = (
  state: WorkerState,
  instance: InstanceId,
  kind: Graph.Kind,
  value: unknown,
  args: ReadonlyArray<unknown>,
  keep: Array<Kept>
): Prompt.Prompt<number, StoreError> => {
  const published = publish(state, instance, value, keep)
  if (kind !== "expand") return published
  return Effect.gen(function* () {
    const bytes = Prompt.waits(published) ? yield* published : published
    return bytes + (yield* publishItems(state, instance, args[0] as ReadonlyArray<unknown>, keep))
  })
}
