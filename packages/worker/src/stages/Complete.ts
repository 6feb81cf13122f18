/**
 * The stage `complete`: tells coordination what is complete, in as few round trips as possible.
 *
 * What nobody else waits for is told later, with the next thing that somebody does wait for. What others wait for is
 * told at once and in the background, while this worker goes on; what is completed meanwhile shares the next call.
 */
import { Flow, Instance, type InstanceId, Plan } from "@weft/core"
import type { Completion, PlannedStep, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { EngineError } from "../Engine.ts"
import { type Prompt, toEffect } from "../Prompt.ts"
import type { Finished, WorkerState } from "../WorkerState.ts"
import { handOver } from "./HandOff.ts"
import { storeDelayed } from "./Holding.ts"
import { store } from "./Publish.ts"

/** After so much execution that nobody was told of, in ms, the worker tells: what a crash would repeat. */
const CHECKPOINT_MS = 1000
/** Untold completions beyond this number are told, to bound memory. */
const CHECKPOINT_COUNT = 2048
/** Tasks shorter than this, in ms, may wait for the next of their kind, so that they share a call. */
const SHORT_MS = 0.2
/** ... for so long at most, in ms, and so many at most. */
const LINGER_MS = 2
const LINGER_COUNT = 512
/** Small inputs of a child are asked for with its completion only if it has no more than this many. */
const ASKED_INPUTS = 16

type Failures = StoreError | EngineError

/** Adds a completed instance to what coordination must be told, and tells it if it is time. */
export const complete = (state: WorkerState, finished: Finished): Prompt<void, Failures> => {
  const { claims, context } = state
  state.finished.push(finished)
  if (state.finished.length === 1) state.untoldSince = state.timing.now()
  state.untoldMs += finished.measure.executionMs
  let awaited = context.graph.targets.has(Instance.nodeOf(finished.instance))
  let opens = false
  const ready: Array<Flow.Step> = []
  for (const step of finished.steps) {
    if (claims.has(step.instance)) {
      if (claims.advance(step.instance)) ready.push(step)
      continue
    }
    awaited = true
    opens ||= step.need === 1
  }
  // What is pushed last goes first.
  if (context.hasOrder) ready.splice(0, ready.length, ...context.inOrder(ready).toReversed())
  for (const { instance } of ready) state.push(instance)
  claims.done(finished.instance)
  if (opens) return drain(state)
  if (state.delayed.size > 0) {
    if (holdsBack(state, finished.instance)) return
    awaited = true
  }
  if (awaited) {
    state.lingers = lingers(state, finished)
    return state.lingers ? undefined : tellSoon(state)
  }
  return state.untoldMs > CHECKPOINT_MS || state.finished.length > CHECKPOINT_COUNT
    ? checkpoint(state)
    : undefined
}

/** Tells coordination of an instance at once, while the worker goes on with it. */
export const completeNow = (state: WorkerState, finished: Finished): Effect.Effect<void, Failures> =>
  Effect.suspend(() => {
    state.finished.push(finished)
    state.claims.done(finished.instance)
    return drain(state)
  })

/**
 * Whether the worker goes on with what it has claimed before it tells, since it has delayed values: afterwards more may have
 * become of who waits for them. Others that wait for what came later should not have to wait for long.
 */
const holdsBack = (state: WorkerState, instance: InstanceId): boolean => {
  const next = state.peekClaimed()
  if (next === undefined || state.lingers || state.finished.length > CHECKPOINT_COUNT) return false
  const nextMs = state.context.durations.meanMs(Instance.nodeOf(next.instance))
  return state.delayed.has(instance) || state.untoldMs + nextMs <= CHECKPOINT_MS
}

/** Whether to wait for the next completion: it is of the same short task, and will be here in no time. */
const lingers = (state: WorkerState, { instance, measure }: Finished): boolean => {
  const next = state.peek()
  if (next === undefined || measure.executionMs > SHORT_MS || state.finished.length >= LINGER_COUNT)
    return false
  const { codes } = state.context.graph.columns
  return (
    codes[Instance.nodeOf(next.instance)] === codes[Instance.nodeOf(instance)] &&
    state.timing.now() - state.untoldSince < LINGER_MS
  )
}

/** Stores what a crash would lose, then tells in the background. */
const checkpoint = Effect.fnUntraced(function* (state: WorkerState) {
  for (const { instance, keep } of state.finished) {
    // What is large enough to be held on to is computed again rather than stored for the case of a crash.
    if (!state.values.isHeld(instance) || state.clustered.has(instance) || state.delayed.has(instance))
      continue
    yield* toEffect(() => store(state, instance, Instance.nodeOf(instance), keep))
  }
  yield* tellSoon(state)
})

/** Tells coordination in the background, unless it is being told already. */
export const tellSoon = Effect.fnUntraced(function* (state: WorkerState) {
  state.lingers = false
  if (state.sender !== undefined && state.sender.pollUnsafe() === undefined) return
  if (state.sender !== undefined) yield* joined(state)
  state.sender = yield* Effect.forkChild(tellAll(state), { startImmediately: true })
})

/** Returns when coordination knows of everything that is complete. */
export const drain = Effect.fnUntraced(function* (state: WorkerState) {
  yield* joined(state)
  yield* tellAll(state)
})

/**
 * Whether others have completed what this worker is running, or the run is over; else the worker is its holder. For what
 * is worth a call: it failed here, or is expensive.
 */
export const isOvertaken = Effect.fnUntraced(function* (
  state: WorkerState,
  instance: InstanceId
): Effect.fn.Return<boolean, Failures> {
  // What it follows from has to be known, or it could not be ready.
  yield* drain(state)
  if (state.status !== "running") return true
  const reply = yield* state.coordination.adopt(state.run, state.worker, [instance])
  state.status = reply.status
  return reply.refused.length > 0
})

const joined = (state: WorkerState): Effect.Effect<void, Failures> => {
  const { sender } = state
  if (sender === undefined) return Effect.void
  state.sender = undefined
  const exit = sender.pollUnsafe()
  return exit !== undefined && Exit.isSuccess(exit) ? Effect.void : Fiber.join(sender)
}

const tellAll = Effect.fnUntraced(function* (state: WorkerState): Effect.fn.Return<void, Failures> {
  while (state.finished.length > 0 && state.status === "running") {
    const told = state.finished
    state.finished = []
    state.untoldMs = 0
    const together = new Set(told.map(({ instance }) => instance))
    if (state.delayed.size > 0) yield* storeDelayed(state, told, together)
    const completions = told.map((finished) => completion(state, finished, together))
    // Who measures each task uploads that before it is complete for anybody.
    const before = state.measured?.beforeTelling
    if (before !== undefined) yield* before
    const reply = yield* state.coordination.complete(state.run, state.worker, completions)
    state.acknowledged(told)
    if (state.context.announces && reply.status === "running") announce(state, told)
    yield* handOver(state, reply)
    for (const { keep } of told) state.told(keep)
  }
})

/** Tells named workers of values that they fetch ahead. Hints: nobody waits for them. */
const announce = (state: WorkerState, told: ReadonlyArray<Finished>): void => {
  const byWorker = new Map<string, Array<InstanceId>>()
  for (const { keep } of told) {
    for (const { instance } of keep) {
      for (const worker of state.context.toldOf(Instance.nodeOf(instance))) {
        if (worker === state.worker) continue
        const values = byWorker.get(worker)
        if (values === undefined) byWorker.set(worker, [instance])
        else values.push(instance)
      }
    }
  }
  for (const [worker, values] of byWorker) state.tell({ type: "kept", values }, worker)
}

/** What coordination needs to know. What completes in the same call need not be counted down. */
const completion = (
  state: WorkerState,
  { instance, keep, measure, releases, steps, width }: Finished,
  together: ReadonlySet<InstanceId>
): Completion => {
  const { context } = state
  const { plan } = context
  const planned: Array<PlannedStep> = []
  for (const { delta, instance: child, need } of steps) {
    if (together.has(child)) continue
    const node = Instance.nodeOf(child)
    planned.push({
      instance: child,
      need,
      delta,
      worker: Plan.workerOf(plan, node),
      inputs: asked(state, child, node)
    })
  }
  return {
    instance,
    keep,
    steps: planned,
    releases,
    added: context.addedBy(Instance.nodeOf(instance), width),
    measure
  }
}

/** What the worker would have to read if the child became its own. */
const asked = (
  state: WorkerState,
  child: InstanceId,
  node: number
): ReadonlyArray<InstanceId> | undefined => {
  const { graph } = state.context
  const count = graph.inputs.start[node + 1]! - graph.inputs.start[node]!
  if (count === 0 || count > ASKED_INPUTS) return undefined
  const missing = Flow.inputs(graph, child).filter((input) => !state.values.has(input))
  return missing.length === 0 ? undefined : missing
}
