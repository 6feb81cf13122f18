/**
 * How a worker leaves: what only it has goes to the store. If its time is over before its work is, others go on with that.
 * It was not lost with anybody, so no attempt is counted.
 */
import { Flow, Graph, Instance, type InstanceId } from "@weft/core"
import type { Kept, Reply, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { EngineError } from "../Engine.ts"
import type { Work } from "../Invocation.ts"
import { toEffect } from "../Prompt.ts"
import type { WorkerState } from "../WorkerState.ts"
import { drain } from "./Complete.ts"
import { comeAgain, handOn, handOver } from "./HandOff.ts"
import { store } from "./Publish.ts"

type Failures = StoreError | EngineError

/**
 * Stores values that only this worker has and that others may ask for.
 *
 * @param carried what will be read by work that is handed on with its values; how often
 */
export const keepHeld = Effect.fnUntraced(function* (
  state: WorkerState,
  carried?: ReadonlyMap<InstanceId, number>
): Effect.fn.Return<void, Failures> {
  const keep: Array<Kept> = []
  for (const instance of [...state.values.unstored()]) {
    if (state.values.pinsOf(instance) <= (carried?.get(instance) ?? 0)) continue
    yield* toEffect(() => store(state, instance, Instance.nodeOf(instance), keep))
  }
  yield* keepAll(state, keep)
})

const keepAll = Effect.fnUntraced(function* (
  state: WorkerState,
  keep: ReadonlyArray<Kept>
): Effect.fn.Return<void, Failures> {
  if (keep.length === 0) return
  yield* handOver(state, yield* state.coordination.keep(state.run, state.worker, keep))
  state.told(keep)
})

/**
 * Others run an instance that this worker was to run: what it was to go on with is theirs, too. What that reads of this
 * worker's goes to the store.
 */
export const giveAway = Effect.fnUntraced(function* (
  state: WorkerState,
  instance: InstanceId
): Effect.fn.Return<void, Failures> {
  const keep: Array<Kept> = []
  for (const following of state.giveAway(instance)) {
    for (const input of Flow.inputs(state.context.graph, following)) {
      if (state.values.isHeld(input)) {
        yield* toEffect(() => store(state, input, Instance.nodeOf(input), keep))
      }
      state.values.unpin(input)
    }
  }
  yield* keepAll(state, keep)
})

/** A flexible worker's time is over: others go on. */
export const leaveFlexible = Effect.fnUntraced(function* (
  state: WorkerState
): Effect.fn.Return<void, Failures> {
  yield* stopWorking(state)
  if (state.status !== "running") return
  const { interrupted } = state
  const work = state.takeAll()
  yield* keepHeld(state, readsOf(state, interrupted === undefined ? work : [interrupted.work, ...work]))
  yield* handOn(state, work, interrupted)
})

/**
 * A named worker's time is over: if it has work, the same worker is invoked again.
 *
 * As long as it holds work it cannot detach, and until then nobody else can attach under its name. So somebody who exists
 * in name only holds the work meanwhile. Whatever is lost on the way is taken over like all that is lost.
 *
 * @param detach leaves; answers what the worker still holds
 */
export const leaveNamed = Effect.fnUntraced(function* (
  state: WorkerState,
  detach: Effect.Effect<Reply, StoreError>
): Effect.fn.Return<void, Failures> {
  const { coordination, interrupted, run, worker } = state
  yield* stopWorking(state)
  if (state.status !== "running") return
  yield* keepHeld(state)
  const held: Array<InstanceId> = interrupted === undefined ? [] : [interrupted.work.instance]
  const between = `${worker}-${crypto.randomUUID()}`
  let aside = 0
  while (state.status === "running") {
    held.push(...state.takeAll().map(({ instance }) => instance))
    if (held.length > aside) {
      const { status } = yield* coordination.adopt(run, between, held.slice(aside), undefined, worker)
      aside = held.length
      state.status = status
    }
    yield* handOver(state, yield* detach)
    if (state.peek() === undefined) break
  }
  if (state.status !== "running" || held.length === 0) return
  yield* coordination.adopt(run, worker, held, undefined, between)
  yield* comeAgain(state, interrupted)
})

/** Tells what is complete, and that nobody need wait for what this worker streams or reads. */
const stopWorking = Effect.fnUntraced(function* (state: WorkerState): Effect.fn.Return<void, Failures> {
  state.leaving = true
  yield* drain(state)
  if (state.streams !== undefined && state.context.streamed.size > 0) {
    yield* state.streams.abandon(state.run, [state.worker])
  }
})

/** How often values are read by work. */
const readsOf = (state: WorkerState, work: ReadonlyArray<Work>): ReadonlyMap<InstanceId, number> => {
  const reads = new Map<InstanceId, number>()
  const { graph } = state.context
  for (const { instance } of work) {
    if (graph.columns.codes[Instance.nodeOf(instance)] === Graph.code.collect) continue
    for (const input of Flow.inputs(graph, instance)) reads.set(input, (reads.get(input) ?? 0) + 1)
  }
  return reads
}
