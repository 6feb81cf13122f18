/**
 * Holding on to values: a behaviour may have the worker that made a value run what reads it (clustering), and store it only
 * when it is clear that somebody else will read it (delayed I/O). See docs/architecture.md, "Values that stay".
 */
import { Flow, Instance, type InstanceId } from "@weft/core"
import type { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import { nodeContext } from "../Behaviours.ts"
import type { Work } from "../Invocation.ts"
import { toEffect } from "../Prompt.ts"
import type { Finished, WorkerState } from "../WorkerState.ts"
import { store } from "./Publish.ts"

/** What was seen of a value for its behaviours: its size, and its bytes if it is not held on to. */
interface Seen {
  readonly size: number
  readonly bytes: Uint8Array | undefined
}

/** Asks the behaviours of a node, if any, what becomes of its value, between the stages `execute` and `publish`. */
export const hold = (state: WorkerState, one: Work, value: unknown): Seen | undefined => {
  // Who hands on all that it has, or has others run what follows, holds on to nothing.
  if (!state.mayKeep) return undefined
  const { instance } = one
  const asked = state.context
    .behavioursOf(Instance.nodeOf(instance))
    .filter(({ behaviour }) => behaviour.holds !== undefined)
  if (asked.length === 0) return undefined
  const bytes = state.values.encode(value)
  let isHeld = false
  for (const { behaviour, value } of asked) {
    const { clusters, delays } = behaviour.holds!(nodeContext(state, one, value), bytes.length)
    isHeld ||= clusters || delays
    if (clusters) state.clustered.add(instance)
    if (delays) state.delayed.add(instance)
  }
  if (state.clustered.has(instance)) state.claims.cluster(instance)
  // Of what may never be stored, and is large, there need not be two.
  return { size: bytes.length, bytes: isHeld ? undefined : bytes }
}

/**
 * Before coordination is told of delayed values: those that only this worker will read need not be stored. It will if it
 * completes the last of what a reader waits for, since that is ready for it then. Others are stored now, before anybody can
 * become their reader.
 */
export const storeDelayed = Effect.fnUntraced(function* (
  state: WorkerState,
  told: ReadonlyArray<Finished>,
  together: ReadonlySet<InstanceId>
): Effect.fn.Return<void, StoreError> {
  const delayed = told.filter(({ instance }) => state.delayed.delete(instance))
  if (delayed.length === 0) return
  const steps = Map.groupBy(
    told.flatMap(({ steps }) => steps).filter(({ instance }) => !together.has(instance)),
    ({ instance }) => instance
  )
  const joins = ({ steps }: Finished) =>
    steps.filter(({ instance, need }) => need > 1 && !together.has(instance) && !state.claims.has(instance))
  const readers = [...new Set(delayed.flatMap((one) => joins(one).map(({ instance }) => instance)))]
  const mayRun = readers.filter((reader) => state.mayKeep && state.hasMemoryFor(reader))
  const waits = mayRun.length === 0 ? [] : yield* state.coordination.waits(state.run, mayRun)
  const mine = new Set(
    mayRun.filter((reader, i) => {
      const ours = steps.get(reader)!
      return ours.length === (waits[i] ?? ours[0]!.need)
    })
  )
  for (const { instance, keep, ...one } of delayed) {
    const others = joins({ instance, keep, ...one }).filter((step) => !mine.has(step.instance))
    if (others.length === 0) continue
    yield* toEffect(() => store(state, instance, Instance.nodeOf(instance), keep))
    for (const _ of others) state.values.unreserve(instance)
  }
})

/** Takes on, of what became ready, what reads a value that the worker holds on to; the rest. */
export const takeClustered = (state: WorkerState, work: ReadonlyArray<Work>): ReadonlyArray<Work> => {
  if (state.clustered.size === 0 || !state.mayKeep) return work
  const { graph } = state.context
  const isOwn = ({ attempt, instance }: Work) =>
    attempt === 1 &&
    state.hasMemoryFor(instance) &&
    Flow.inputs(graph, instance).some((input) => state.clustered.has(input) && state.values.has(input))
  const own = work.filter(isOwn)
  if (own.length === 0) return work
  state.adopt(own)
  return work.filter((one) => !own.includes(one))
}
