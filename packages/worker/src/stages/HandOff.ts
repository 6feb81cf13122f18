/**
 * The stage `handOff`: what became ready is kept, or given to other workers.
 *
 * A worker keeps one piece and invokes others for the rest. Ready nodes are divided into as many pieces as pay: first
 * large ones, then ever smaller ones, so that few invocations are needed and all workers still end at about the same
 * time (guided self-scheduling; Polychronopoulos and Kuck, IEEE Transactions on Computers 36(12), 1987). Many
 * invocations are sent as a tree.
 */
import { Flow, Instance, type InstanceId, Plan } from "@weft/core"
import type { Coordination, Kept, Ready, Reply, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import { wrapped } from "../Behaviours.ts"
import type { EngineError, Invoker } from "../Engine.ts"
import { type Carried, type Invocation, type Work, workOf } from "../Invocation.ts"
import { toEffect } from "../Prompt.ts"
import { valueKey } from "../RunContext.ts"
import type { Sizes } from "../Sizes.ts"
import type { WorkerState } from "../WorkerState.ts"
import { takeClustered } from "./Holding.ts"
import { store } from "./Publish.ts"

/** Notes how the run is, and has objects removed that nobody needs any more. */
const heed = (state: WorkerState, { dropped, status }: Reply): Effect.Effect<void> => {
  state.status = status
  return dropped.length === 0 ? Effect.void : state.discards.add(dropped.map(valueKey))
}

/** Acts on what coordination answered. */
export const handOver = Effect.fnUntraced(function* (
  state: WorkerState,
  reply: Reply
): Effect.fn.Return<void, StoreError | EngineError> {
  yield* heed(state, reply)
  if (reply.status !== "running") return
  const own: Array<Work> = []
  const flexible: Array<Work> = []
  for (const ready of reply.ready) {
    if (state.isMine(ready.instance)) continue
    for (const [instance, bytes] of ready.inputs) state.values.came(instance, bytes, true)
    const planned = Plan.workerOf(state.context.plan, Instance.nodeOf(ready.instance)) !== undefined
    ;(planned ? own : flexible).push(workOf(ready))
  }
  state.adopt(own)
  const named = reply.invoke.map((worker) => namedInvocation(state.run, worker, state.invoker.sizes))
  if (flexible.length + named.length > 0) yield* share(state, flexible, named)
})

/**
 * Keeps a piece of the work if the worker has nothing else, or if there is just one that is not worth an invocation; invokes
 * others for the rest.
 */
const share = Effect.fnUntraced(function* (
  state: WorkerState,
  work: ReadonlyArray<Work>,
  named: ReadonlyArray<Invocation>
): Effect.fn.Return<void, StoreError | EngineError> {
  const { invoker } = state
  const rest = takeClustered(state, state.context.inOrder(work))
  const pieces = piecesOf(rest, invoker, invoker.worthMs === 0 ? undefined : tooSmall(state, invoker.worthMs))
  const isFree = state.peek() === undefined
  if (state.mayKeep && (isFree || (pieces.length === 1 && !isWorthInvoking(state, pieces[0]!)))) {
    const kept = pieces.findIndex((piece) => state.hasMemoryFor(piece[0]!.instance))
    if (kept >= 0) state.adopt(pieces.splice(kept, 1)[0]!)
  }
  const invocations: Array<Invocation> = [...named]
  for (const piece of pieces) invocations.push(yield* flexibleInvocation(state, piece))
  yield* send(state, invocations)
})

/** Invokes workers, with the behaviours of what they are given around it. */
const send = Effect.fnUntraced(function* (
  state: WorkerState,
  invocations: ReadonlyArray<Invocation>
): Effect.fn.Return<void, StoreError | EngineError> {
  if (invocations.length === 0) return
  const invoke: Effect.Effect<void, StoreError | EngineError> = state.invoker.invoke(
    tree(invocations, state.invoker.fanOut)
  )
  const annotated = invocations
    .flatMap(({ work }) => work)
    .filter(({ instance }) => state.context.hasBehaviours(instance))
  yield* annotated.reduce((next, one) => toEffect(() => wrapped(state, "handOff", one, () => next)), invoke)
})

/**
 * Has flexible workers go on with what this one holds and has no time for. What it was interrupted in goes alone, so that it
 * has a worker's whole time.
 */
export const handOn = Effect.fnUntraced(function* (
  state: WorkerState,
  work: ReadonlyArray<Work>,
  interrupted: WorkerState["interrupted"]
): Effect.fn.Return<void, StoreError | EngineError> {
  const invocations: Array<Invocation> = []
  if (interrupted !== undefined) {
    const invocation = yield* flexibleInvocation(state, [interrupted.work])
    invocations.push({ ...invocation, limited: interrupted.limited })
  }
  for (const piece of piecesOf(work, state.invoker)) invocations.push(yield* flexibleInvocation(state, piece))
  yield* send(state, invocations)
})

/** Has a worker with so much memory go on with an instance that turned out to need it. */
export const handOnFor = Effect.fnUntraced(function* (
  state: WorkerState,
  work: Work,
  memoryMiB: number
): Effect.fn.Return<void, StoreError | EngineError> {
  yield* send(state, [{ ...(yield* flexibleInvocation(state, [work])), memoryMiB }])
})

/** Has the same named worker come again, which finds its work in coordination. */
export const comeAgain = (
  state: WorkerState,
  interrupted: WorkerState["interrupted"]
): Effect.Effect<void, StoreError | EngineError> =>
  send(state, [
    {
      ...namedInvocation(state.run, state.worker, state.invoker.sizes),
      limited: interrupted?.limited
    }
  ])

/** Where invoking costs next to nothing, work has to take so long, in ms, to be worth it. */
export const LEAST_WORTH_MS = 1

/**
 * Whether others should run the only piece while this worker has something else to run. As long as it is not known how long
 * it takes, what a fan-out has opened is: else a fan-out of two would be no fan-out.
 */
const isWorthInvoking = (state: WorkerState, piece: ReadonlyArray<Work>): boolean => {
  const { context, invoker } = state
  const ms = piece.reduce(
    (sum, { instance }) => sum + context.durations.chainMs(Instance.nodeOf(instance)),
    0
  )
  return ms === Number.POSITIVE_INFINITY
    ? piece.every(({ instance }) => context.graph.need[Instance.nodeOf(instance)] === 1)
    : ms >= Math.max(invoker.worthMs, LEAST_WORTH_MS)
}

/** Whether pieces are not worth an invocation each, as far as it is known how long their nodes take. */
const tooSmall =
  (state: WorkerState, worthMs: number) =>
  (piece: ReadonlyArray<Work>): boolean => {
    let ms = 0
    for (const { instance } of piece) {
      ms += state.context.durations.chainMs(Instance.nodeOf(instance))
      if (ms >= worthMs) return false
    }
    return true
  }

/**
 * Divides work into pieces of nodes that need the same memory, those that need most first: so a worker that keeps the
 * first that it has the memory for wastes least of its own.
 */
const piecesOf = (
  work: ReadonlyArray<Work>,
  { parallelism, sizes }: Pick<Invoker, "parallelism" | "sizes">,
  isTooSmall?: (piece: ReadonlyArray<Work>) => boolean
): Array<ReadonlyArray<Work>> => {
  if (sizes === undefined) return divide(work, parallelism, isTooSmall)
  const bySize = [...Map.groupBy(work, ({ instance }) => sizes.of(instance))].sort(([a], [b]) => b - a)
  return bySize.flatMap(([, same]) => divide(same, parallelism, isTooSmall))
}

/** The memory that the work needs, as an invocation says it. */
const memoryFor = (work: ReadonlyArray<Work>, sizes: Sizes | undefined): Pick<Invocation, "memoryMiB"> =>
  sizes === undefined ? {} : { memoryMiB: sizes.most(work.map(({ instance }) => instance)) }

/**
 * Divides work into pieces: each takes 1/(2 × parallelism) of what is left, or more if that is too small. What was lost
 * with a worker before goes alone, so that a node that kills its workers is found and takes no other with it.
 */
export const divide = (
  work: ReadonlyArray<Work>,
  parallelism: number,
  isTooSmall: (piece: ReadonlyArray<Work>) => boolean = () => false
): Array<ReadonlyArray<Work>> => {
  const pieces: Array<ReadonlyArray<Work>> = work.filter(({ attempt }) => attempt > 1).map((one) => [one])
  const fresh = pieces.length === 0 ? work : work.filter(({ attempt }) => attempt === 1)
  for (let at = 0; at < fresh.length; ) {
    let size = Math.max(1, Math.ceil((fresh.length - at) / (2 * parallelism)))
    while (at + size < fresh.length && isTooSmall(fresh.slice(at, at + size))) size *= 2
    pieces.push(fresh.slice(at, at + size))
    at += size
  }
  return pieces
}

/**
 * Arranges invocations so that no worker sends more than `fanOut`. The first ones are sent at once; as few of them as can
 * invoke the rest, each as many as it may: who invokes others has to load what that takes, and begins its own work later.
 * They are the last ones, whose pieces of work are the smallest.
 *
 * @param own how many are sent at once
 */
export const tree = (
  invocations: ReadonlyArray<Invocation>,
  fanOut: number,
  own = fanOut
): ReadonlyArray<Invocation> => {
  if (invocations.length <= own) return invocations
  return branches(invocations.length, fanOut, own).map(({ from, head, to }) => {
    const one = invocations[head]!
    return from === to ? one : { ...one, spawn: [...one.spawn, ...invocations.slice(from, to)] }
  })
}

/** The same of `count` invocations, by index: those that are sent at once, each with the range that it invokes in turn. */
export const branches = (
  count: number,
  fanOut: number,
  own = fanOut
): ReadonlyArray<{ readonly head: number; readonly from: number; readonly to: number }> => {
  const heads = Math.min(count, own)
  const rest = count - heads
  const senders = Math.min(heads, Math.ceil(rest / fanOut))
  const share = (sender: number) => heads + Math.floor((Math.max(0, sender) * rest) / senders)
  return Array.from({ length: heads }, (_, head) => {
    const sender = head - (heads - senders)
    return sender < 0
      ? { head, from: count, to: count }
      : { head, from: share(sender), to: share(sender + 1) }
  })
}

/** How many workers a client invokes itself: it has a whole processor, and has loaded what that takes. */
export const clientFanOut = (fanOut: number): number => 4 * fanOut

/** Invokes a worker that the plan named; its work waits for it in coordination. */
const namedInvocation = (run: string, worker: string, sizes: Sizes | undefined): Invocation => ({
  run,
  worker,
  named: true,
  work: [],
  values: [],
  ...(sizes === undefined ? {} : { memoryMiB: sizes.ofWorker(worker) }),
  spawn: []
})

/** The name of a flexible worker. */
const newWorkerId = (): string => `w-${Math.random().toString(36).slice(2, 10)}`

/** The invocation of a flexible worker, with the input values that are in memory, as far as it can carry them. */
const flexibleInvocation = Effect.fnUntraced(function* (
  state: WorkerState,
  work: ReadonlyArray<Work>
): Effect.fn.Return<Invocation, StoreError> {
  const carried = new Map<InstanceId, Carried>()
  const keep: Array<Kept> = []
  let room = state.invoker.payloadBytes
  for (const { instance } of work) {
    for (const input of Flow.inputs(state.context.graph, instance)) {
      if (carried.has(input) || !state.values.has(input)) continue
      const bytes = state.values.bytes(input)
      if (bytes.length <= room) {
        room -= bytes.length
        carried.set(input, [input, bytes, state.values.isStored(input)])
      } else if (!state.values.isStored(input)) {
        yield* toEffect(() => store(state, input, Instance.nodeOf(input), keep))
      }
    }
  }
  if (keep.length > 0) {
    yield* heed(state, yield* state.coordination.keep(state.run, state.worker, keep))
    state.told(keep)
  }
  for (const { instance } of work) {
    for (const input of Flow.inputs(state.context.graph, instance)) state.values.unpin(input)
  }
  return {
    run: state.run,
    worker: newWorkerId(),
    named: false,
    work,
    values: [...carried.values()],
    from: state.worker,
    ...memoryFor(work, state.invoker.sizes),
    spawn: []
  }
})

/**
 * Makes workers that an engine is about to start the holders of their work, in their names. What is complete by now, or
 * another's (an invocation that came twice, or late), is taken out; whom that leaves with nothing to do need not be
 * started. A worker for which that fails does it itself.
 */
export const adoptAll = Effect.fnUntraced(function* (
  coordination: Coordination["Service"],
  run: string,
  invocations: ReadonlyArray<Invocation>
): Effect.fn.Return<ReadonlyArray<Invocation>> {
  const adopt = (some: ReadonlyArray<Invocation>) =>
    Effect.forEach(some, (one) => adoptOne(coordination, run, one), { concurrency: "unbounded" })
  const adopted = yield* adopt(invocations)
  // The turn of others comes with the invocation above them, which may be lost. As long as the worker that hands them over
  // lives, nobody would miss them. Nobody waits for this: it is done again then.
  const later = adopted.flatMap(({ spawn }) => handedOver(spawn))
  if (later.length > 0) yield* Effect.forkDetach(Effect.timeoutOption(adopt(later), LATER_MS))
  return adopted.filter(({ named, spawn, work }) => named || work.length + spawn.length > 0)
})

/** How long adopting for workers whose turn comes later may take, in ms: nothing depends on it. */
const LATER_MS = 2000

/** Of invocations and what those invoke, those whose work a worker holds. */
const handedOver = (invocations: ReadonlyArray<Invocation>): ReadonlyArray<Invocation> =>
  invocations.flatMap((one) => [...(one.from === undefined ? [] : [one]), ...handedOver(one.spawn)])

const adoptOne = (
  coordination: Coordination["Service"],
  run: string,
  invocation: Invocation
): Effect.Effect<Invocation> => {
  const { from, work, worker } = invocation
  if (work.length === 0) return Effect.succeed(invocation)
  const instances = work.map(({ instance }) => instance)
  return Effect.match(coordination.adopt(run, worker, instances, undefined, from), {
    onSuccess: ({ refused }) => ({ ...invocation, work: withoutRefused(work, refused), adopted: true }),
    onFailure: () => invocation
  })
}

/** What is left of work when coordination has refused some. */
export const withoutRefused = (
  work: ReadonlyArray<Work>,
  refused: ReadonlyArray<InstanceId>
): ReadonlyArray<Work> => {
  if (refused.length === 0) return work
  const over = new Set(refused)
  return work.filter(({ instance }) => !over.has(instance))
}

/** How a client hands off what is ready from the beginning, or was lost: all of it, since it runs nothing itself. */
export const invocationsFor = (
  run: string,
  reply: { readonly ready: ReadonlyArray<Ready>; readonly invoke: ReadonlyArray<string> },
  invoker: Pick<Invoker, "parallelism" | "fanOut" | "sizes">
): ReadonlyArray<Invocation> =>
  tree(
    [
      ...reply.invoke.map((worker) => namedInvocation(run, worker, invoker.sizes)),
      ...piecesOf(reply.ready.map(workOf), invoker).map((work) => ({
        run,
        worker: newWorkerId(),
        named: false,
        work,
        values: [],
        ...memoryFor(work, invoker.sizes),
        spawn: []
      }))
    ],
    invoker.fanOut,
    clientFanOut(invoker.fanOut)
  )
