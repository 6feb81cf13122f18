/**
 * The stage `publish`: decides where a value goes.
 *
 * Nowhere, if all who read it are this worker's; into memory to be carried by the invocation, if those who read it
 * become ready through it alone and are handed off by this worker; else into the store: inline with the completion if
 * it is small, else into the object store.
 */
import { Graph, Instance, type InstanceId, Plan } from "@weft/core"
import type { Kept, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import { type Prompt, waits } from "../Prompt.ts"
import { valueKey } from "../RunContext.ts"
import { StreamHandle } from "../StreamHandle.ts"
import type { WorkerState } from "../WorkerState.ts"

/**
 * Takes the value of a completed instance into memory, and puts it where others will look for it.
 *
 * @param encoded the value's bytes, if they are known
 */
export const publish = (
  state: WorkerState,
  instance: InstanceId,
  value: unknown,
  keep: Array<Kept>,
  encoded?: Uint8Array
): Prompt<number, StoreError> => {
  const id = Instance.nodeOf(instance)
  const { claimed, elsewhere, expected, joins } = audience(state, instance, id)
  // Whoever holds on to the value may be the one that makes all of these ready: that is seen when it tells of it.
  const isDelayed = joins > 0 && !elsewhere && state.delayed.has(instance)
  if (!isDelayed) state.delayed.delete(instance)
  const isRead = elsewhere || (joins > 0 && !isDelayed)
  const reserved = isDelayed ? expected + joins : expected
  if (claimed + reserved === 0 && !isRead) return 0
  state.values.made(instance, value, claimed + reserved, reserved, encoded)
  return isRead ? store(state, instance, id, keep) : 0
}

/** Puts a value that is in memory into the store; how many bytes it has. */
export const store = (
  state: WorkerState,
  instance: InstanceId,
  id: number,
  keep: Array<Kept>
): Prompt<number, StoreError> => {
  const bytes = state.values.bytes(instance)
  const readers = state.values.readersLeft(instance, state.context.readersOf(id))
  state.values.setStored(instance)
  if (bytes.length <= state.coordination.inlineBytes) {
    keep.push({ instance, value: bytes, readers })
    return bytes.length
  }
  keep.push({ instance, value: "object", readers })
  state.untoldObjects.add(instance)
  return Effect.as(state.objects.put(state.run, valueKey(instance), bytes), bytes.length)
}

/**
 * Says that the value of a node whose items are streamed will lie in the object store. It will if a reader needs it; until
 * then, and for readers that need nothing else, its handle stands for it.
 */
export const publishStream = (state: WorkerState, instance: InstanceId, keep: Array<Kept>): void => {
  state.values.made(instance, new StreamHandle(instance), 0)
  state.values.setStored(instance)
  keep.push({ instance, value: "object", readers: state.context.readersOf(Instance.nodeOf(instance)) })
}

/** Keeps the elements of a list that was opened: each on its own, so that nobody has to read the whole list. */
export const publishItems = Effect.fnUntraced(function* (
  state: WorkerState,
  instance: InstanceId,
  list: ReadonlyArray<unknown>,
  keep: Array<Kept>
) {
  const { columns } = state.context.graph
  const scope = columns.scopes.find(({ expand }) => expand === Instance.nodeOf(instance))
  if (scope?.item === undefined) return 0
  const indices = Instance.indicesOf(instance)
  let bytes = 0
  for (const [i, element] of list.entries()) {
    const item = Instance.make(scope.item, [...indices, i])
    state.values.made(item, element, 0)
    const stored = store(state, item, scope.item, keep)
    bytes += waits(stored) ? yield* stored : stored
  }
  return bytes
})

/**
 * How many who read the value are claimed, or expected to be this worker's to run or to hand off; how many flexible ones
 * beside it wait for other values, too, and are whose completes the last of these; and whether there are others.
 */
const audience = (state: WorkerState, instance: InstanceId, id: number) => {
  const { graph, plan } = state.context
  const { codes, scopeOf, scopes } = graph.columns
  const indices = Instance.indicesOf(instance)
  const scope = scopeOf[id]!
  let claimed = 0
  let expected = 0
  let joins = 0
  let elsewhere = graph.targets.has(id)
  for (let i = graph.readers.start[id]!; i < graph.readers.start[id + 1]!; i++) {
    const reader = graph.readers.list[i]!
    const planned = Plan.workerOf(plan, reader)
    const mine = planned !== undefined && planned === state.worker
    if (scopeOf[reader] === scope) {
      const readerInstance = indices.length === 0 ? reader : Instance.make(reader, indices)
      const isFlexible = planned === undefined && codes[reader] !== Graph.code.collect
      if (state.claims.has(readerInstance)) claimed++
      else if (mine || (isFlexible && graph.need[reader] === 1)) expected++
      else if (isFlexible) joins++
      else elsewhere = true
    } else if (scope !== 0 && scopes[scope]!.parent === scopeOf[reader] && mine) expected++
    else elsewhere = true
  }
  return { claimed, expected, joins, elsewhere }
}
