/**
 * The worker: a pipeline of stages.
 *
 *     start → [ inputs → execute → publish → complete → handOff ]* → stop
 *
 * A flexible worker runs the work of its invocation and what follows from it, and leaves. A named one attaches under
 * its name, runs what the plan gave it as it becomes ready, and leaves when nothing has come for a while; whoever then
 * makes work ready for it sees that it is not alive and invokes it anew.
 */
import { Flow, Instance } from "@weft/core"
import { Coordination, type Kept, ObjectStore, type StoreError } from "@weft/storage"
import { Effect, Latch, Option } from "effect"
import { wrapped, wrappedWorker } from "./Behaviours.ts"
import { type EngineError, Host, type Invoker } from "./Engine.ts"
import type { Invocation, Work } from "./Invocation.ts"
import type { RunContext } from "./RunContext.ts"
import { complete, drain } from "./stages/Complete.ts"
import { call } from "./stages/Execute.ts"
import { handOver, tree } from "./stages/HandOff.ts"
import { inputs } from "./stages/Inputs.ts"
import { publish, publishItems, store } from "./stages/Publish.ts"
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
  return Effect.andThen(
    wrappedWorker(state, "start", begin),
    invocation.named ? Effect.scoped(namedLife(state)) : flexibleLife(state)
  )
}

const flexibleLife = Effect.fnUntraced(function* (state: WorkerState) {
  state.adopt(state.invocation.work)
  yield* work(state)
  yield* wrappedWorker(state, "stop", Effect.void)
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
  yield* wrappedWorker(state, "stop", Effect.void)
})

/** Before a named worker leaves: values that only it has, and that others may ask for, go to the store. */
const keepHeld = Effect.fnUntraced(function* (state: WorkerState) {
  const keep: Array<Kept> = []
  for (const instance of [...state.values.unstored()])
    yield* store(state, instance, Instance.nodeOf(instance), keep)
  if (keep.length > 0) yield* handOver(state, yield* state.coordination.keep(state.run, state.worker, keep))
})

/** Runs nodes until there are none and coordination knows of everything. */
const work = Effect.fnUntraced(function* (state: WorkerState) {
  while (state.status === "running") {
    const next = state.next()
    if (next !== undefined) yield* node(state, next)
    else {
      yield* drain(state)
      if (state.peek() === undefined) return
    }
  }
})

/** How often, in ms, a worker says what it is running. */
const NOTICE_MS = 100

const node = Effect.fnUntraced(function* (
  state: WorkerState,
  one: Work
): Effect.fn.Return<void, NodeFailed | StoreError | EngineError> {
  const { attempt, instance } = one
  const { graph } = state.context
  const id = Instance.nodeOf(instance)
  const kind = graph.kind(id)
  const beganAt = performance.now()
  if (kind === "call" && beganAt - state.noticedAt > NOTICE_MS) {
    state.noticedAt = beganAt
    state.tell({ type: "started", worker: state.worker, instance })
  }
  let width = 0
  let inputBytes = 0
  let tries = 0
  const gathered = Effect.map(inputs(state, instance), (got) => {
    width = got.width
    inputBytes = got.bytes
    return got.args
  })
  const args = yield* wrapped(state, "inputs", instance, attempt, gathered)
  const startedAt = Date.now()
  const executeAt = performance.now()
  const executed = Effect.map(call(state, one, args), (got) => {
    tries = got.tries
    return got.value
  })
  const value = yield* wrapped(state, "execute", instance, attempt, executed)
  const publishAt = performance.now()
  if (kind === "expand" || kind === "gate") width = value as number
  const keep: Array<Kept> = []
  let outputBytes = 0
  const published = Effect.gen(function* () {
    outputBytes = yield* publish(state, instance, value, keep)
    if (kind === "expand")
      outputBytes += yield* publishItems(state, instance, args[0] as ReadonlyArray<unknown>, keep)
  })
  yield* wrapped(state, "publish", instance, attempt, published)
  const reads = Flow.releases(graph, instance, width)
  const releases = reads.filter(({ value: input }) => state.values.isStored(input))
  for (const { value: input } of reads) state.values.unpin(input)
  const measure = {
    startedAt,
    inputsMs: executeAt - beganAt,
    executionMs: publishAt - executeAt,
    inputBytes,
    outputBytes,
    tries
  }
  const steps = Flow.steps(graph, instance, width)
  yield* wrapped(
    state,
    "complete",
    instance,
    attempt,
    complete(state, { instance, width, keep, steps, releases, measure })
  )
})
