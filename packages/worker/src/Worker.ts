/**
 * The worker: a pipeline of stages.
 *
 *     start → [ inputs → execute → publish → complete → handOff ]* → stop
 *
 * A flexible worker runs the work of its invocation and what follows from it, and leaves. A named one attaches under
 * its name, runs what the plan gave it as it becomes ready, and leaves when nothing has come for a while; whoever then
 * makes work ready for it sees that it is not alive and invokes it anew.
 */
import { type Failure, Flow, type Graph, Instance, type InstanceId } from "@weft/core"
import {
  Coordination,
  History,
  type Kept,
  type Measure,
  ObjectStore,
  type Reply,
  type StoreError,
  Streams
} from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import { wrapped, wrappedWorker } from "./Behaviours.ts"
import { type EngineError, Host, type Invoker } from "./Engine.ts"
import type { Invocation, Work } from "./Invocation.ts"
import { MOST_LIMITED, OutOfTime } from "./Limit.ts"
import { Measured } from "./Measured.ts"
import { persistent, persistentObjects, persistentStreams } from "./Persistent.ts"
import * as Prompt from "./Prompt.ts"
import { observedObjects } from "./Reach.ts"
import { type RunContext, valueKey } from "./RunContext.ts"
import { complete, completeNow, drain, isOvertaken, tellSoon } from "./stages/Complete.ts"
import { call, type Executed, unended } from "./stages/Execute.ts"
import { handOnFor, handOver, tree, withoutRefused } from "./stages/HandOff.ts"
import { hold } from "./stages/Holding.ts"
import { type Inputs, inputs } from "./stages/Inputs.ts"
import { giveAway, keepHeld, leaveFlexible, leaveNamed } from "./stages/Leave.ts"
import { publish, publishItems, publishStream } from "./stages/Publish.ts"
import { Producer } from "./stages/Streaming.ts"
import { Timing } from "./Timing.ts"
import { NeedsMemory, NodeFailed, Overtaken, WorkerState } from "./WorkerState.ts"

/**
 * Runs one worker to its end. A node that fails for good ends the run and the worker, not this effect. Calls of the
 * stores are repeated while those cannot be reached.
 */
export const run = Effect.fnUntraced(function* (
  context: RunContext,
  invocation: Invocation,
  invoker: Invoker
): Effect.fn.Return<void, StoreError | EngineError, Coordination | ObjectStore | Host> {
  const host = yield* Host
  const timing = yield* Timing
  const measured = yield* beginMeasuring(context, invocation, invoker)
  const calls = yield* Coordination
  const coordination = persistent(measured?.coordination(calls) ?? calls, {
    onFailure: () => {
      state.unsure = true
    }
  })
  let givenUp: StoreError | undefined
  const store = yield* ObjectStore
  const objects = persistentObjects(
    observedObjects(measured?.objects(store) ?? store, (notice) =>
      state.tell({ ...notice, worker: state.worker })
    ),
    {
      forMs: OBJECTS_PATIENCE_MS,
      onGivenUp: (error) => {
        givenUp = error
      }
    }
  )
  const streams = Option.getOrUndefined(Option.map(yield* Effect.serviceOption(Streams), persistentStreams))
  const state = new WorkerState({
    context,
    invocation,
    invoker: measured?.invoker(invoker) ?? invoker,
    coordination,
    objects,
    host,
    timing,
    streams,
    fork: Effect.runForkWith(yield* Effect.context<never>()),
    measured
  })
  const lived: Effect.Effect<void, Failures, Coordination | ObjectStore | Host> = life(state)
  const settled = Effect.catch(lived, (error): Effect.Effect<void, StoreError | EngineError> => {
    if (error instanceof NodeFailed) return coordination.fail(context.run, error.failure)
    if (!isFinal(error, givenUp)) return Effect.fail(error)
    // No other worker could do better. If not even this can be told, the worker is lost.
    return Effect.catch(coordination.fail(context.run, refusedBy(state, error)), () => Effect.fail(error))
  })
  yield* Effect.ensuring(
    Effect.andThen(settled, Effect.timeoutOption(state.discards.done, DISCARD_MS)),
    Effect.suspend(() => {
      measured?.end()
      return state.untoldObjects.size === 0 && state.discards.isDone ? Effect.void : tidy(state)
    })
  )
})

/** From now on the worker is measured, if that is wanted, and there is somewhere to upload it to. */
const beginMeasuring = Effect.fnUntraced(function* (
  context: RunContext,
  invocation: Invocation,
  invoker: Invoker
) {
  const { recording } = context
  if (recording === undefined) return undefined
  const history = yield* Effect.serviceOption(History)
  if (Option.isNone(history)) return undefined
  recording.uses(history.value)
  const [host, timing] = [yield* Host, yield* Timing]
  return new Measured({ context, invocation, invoker, host, timing }, recording)
})

/**
 * For how long an object store may be away before the run fails, in ms: as long as a client has patience with
 * coordination. Meanwhile the worker's lease is renewed, so that nobody else meets the same, and is lost with it.
 */
const OBJECTS_PATIENCE_MS = 600_000
/** How long a worker that has ended waits for what is still being removed, in ms. */
const DISCARD_MS = 60_000

/**
 * Whether the store would answer the same again: it is full, refuses us, or holds what is not ours; or nothing, as it has
 * for long.
 */
const isFinal = (error: StoreError | EngineError, givenUp: StoreError | undefined): error is StoreError =>
  error._tag === "StoreError" && (!error.retryable || error === givenUp)

const refusedBy = (state: WorkerState, error: StoreError): Failure.Failure => {
  const instance = state.running ?? state.invocation.work[0]?.instance ?? 0
  return {
    instance,
    task: state.context.graph.name(Instance.nodeOf(instance)),
    kind: "store",
    worker: state.worker,
    attempts: 1,
    message: error.message
  }
}

const life = (state: WorkerState) => {
  const { invocation, invoker } = state
  const begin = Effect.suspend(() =>
    invocation.spawn.length === 0 ? Effect.void : invoker.invoke(tree(invocation.spawn, invoker.fanOut))
  )
  const whole = invocation.named ? Effect.scoped(namedLife(state)) : flexibleLife(state)
  const { limit } = state
  const lived =
    limit === undefined ? whole : Effect.scoped(Effect.andThen(Effect.forkScoped(limit.watch), whole))
  if (state.context.behaviours.length === 0) return Effect.andThen(begin, lived)
  const begun = wrappedWorker(state, "start", begin)
  const ended = Effect.ensuring(
    Effect.andThen(
      lived,
      Effect.suspend(() => beforeLeaving(state))
    ),
    leave(state)
  )
  return Effect.ensuring(Effect.andThen(begun, ended), state.endBackground)
}

/** How long the stage `stop` may take, in ms, and removing objects that nobody knows of. */
const LEAVE_MS = 1000

/** What was to be done later is done now, unless the run is over. */
const beforeLeaving = ({ beforeLeaving: due, status }: WorkerState): Effect.Effect<void> =>
  due.size === 0 || status !== "running"
    ? Effect.void
    : Effect.asVoid(
        Effect.timeoutOption(Effect.all(due, { concurrency: "unbounded", discard: true }), LEAVE_MS)
      )

/** Runs what a worker does last, also one that is interrupted: in a fiber of its own, which stops if it takes too long. */
const atLast = <E>(effect: Effect.Effect<void, E>): Effect.Effect<void> =>
  effect.pipe(
    Effect.timeoutOption(LEAVE_MS),
    Effect.interruptible,
    Effect.forkDetach,
    Effect.flatMap(Fiber.await),
    Effect.asVoid
  )

/**
 * Removes what it was told to; and objects that coordination was not told of, if the run is gone: its client has removed
 * all it knew of. While there is a run, whoever runs the same again puts them again, and its client removes them in the
 * end.
 */
const tidy = ({ coordination, discards, objects, run, untoldObjects }: WorkerState) => {
  const untold = Effect.flatMap(coordination.state(run), ({ status }) =>
    status === "gone" ? objects.remove(run, [...untoldObjects].map(valueKey)) : Effect.void
  )
  return atLast(
    Effect.all([discards.done, untoldObjects.size === 0 ? Effect.void : untold], {
      concurrency: 2,
      discard: true
    })
  )
}

/** The stage `stop`: also for a worker that is interrupted, as most are when the last target is complete. */
const leave = (state: WorkerState) => atLast(Effect.suspend(() => wrappedWorker(state, "stop", Effect.void)))

const flexibleLife = Effect.fnUntraced(function* (state: WorkerState) {
  // Nobody tells it of anything.
  state.prefetch?.listens()
  const { adopted, from, work: given } = state.invocation
  if (adopted || given.length === 0) state.adopt(given)
  else {
    const instances = given.map(({ instance }) => instance)
    const { coordination, run, worker } = state
    const reply = yield* coordination.adopt(run, worker, instances, crypto.randomUUID(), from)
    state.status = reply.status
    // The invocation came twice, or late: what is complete by now, or another's, need not be run.
    state.adopt(withoutRefused(given, reply.refused))
  }
  if (yield* work(state)) return
  yield* leaveFlexible(state)
})

const namedLife = Effect.fnUntraced(function* (state: WorkerState) {
  const { coordination, host, invoker, run, worker } = state
  /** What became ready meanwhile; after a failed call all that this worker holds, since an answer may be lost. */
  const ask = (): Effect.Effect<Reply | undefined, StoreError> => {
    if (!state.unsure) return coordination.complete(run, worker, [])
    state.unsure = false
    return coordination.attach(run, worker, incarnation)
  }
  const incarnation = crypto.randomUUID()
  const woken = Latch.makeUnsafe(false)
  yield* coordination.subscribe(run, worker, (message) => {
    if (message.type === "kept") state.prefetch?.kept(message.values)
    else woken.openUnsafe()
  })
  state.prefetch?.listens()
  const attached = yield* coordination.attach(run, worker, incarnation)
  if (attached === undefined) return
  yield* handOver(state, attached)
  const detach = Effect.suspend(() => coordination.detach(run, worker, incarnation))
  while (state.status === "running") {
    if (!(yield* work(state))) return yield* leaveNamed(state, detach)
    if (state.status !== "running") break
    // What woke us may have been handed over by now: the state is asked, the message only says when.
    woken.closeUnsafe()
    const heard = yield* ask()
    if (heard === undefined) {
      // Taken for lost, and another incarnation is there by now: it goes on.
      yield* keepHeld(state)
      return
    }
    yield* handOver(state, heard)
    if (state.peek() !== undefined || state.unsure || state.status !== "running") continue
    state.hasWaited = true
    const idleMs = Math.min(invoker.idleMs, state.limit?.leftMs ?? Number.POSITIVE_INFINITY)
    const message = yield* host.idle(woken.await.pipe(Effect.timeoutOption(idleMs)))
    if (Option.isSome(message)) continue
    yield* keepHeld(state)
    yield* handOver(state, yield* detach)
    if (state.peek() === undefined && !state.unsure) break
  }
})

type Failures = NodeFailed | StoreError | EngineError

/** Why a node is not run any further, here. */
type Ended = Overtaken | OutOfTime | NeedsMemory

/** Runs nodes until there are none and coordination knows of everything; `false` if the worker's time was over before. */
const work = (state: WorkerState): Effect.Effect<boolean, Failures> =>
  Effect.catch(workOn(state), (error): Effect.Effect<boolean, Failures> => {
    if (error instanceof Overtaken) return goOn(state)
    if (error instanceof OutOfTime) return interrupted(state)
    if (error instanceof NeedsMemory)
      return Effect.andThen(handOnFor(state, state.current!, error.memoryMiB), goOn(state))
    return error instanceof NodeFailed ? failing(state, error) : Effect.fail(error)
  })

/** Others run, or have run, what this worker was about to. */
const goOn = (state: WorkerState): Effect.Effect<boolean, Failures> =>
  Effect.andThen(giveAway(state, state.current!.instance), work(state))

/** The first outcome counts: so the failure of a worker that was cut off does not end a run that went on without it. */
const failing = (state: WorkerState, error: NodeFailed): Effect.Effect<boolean, Failures> =>
  state.running === undefined
    ? Effect.fail(error)
    : Effect.flatMap(isOvertaken(state, state.running), (overtaken) =>
        overtaken ? goOn(state) : Effect.fail(error)
      )

/** What the worker runs is handed on, unless it needs more time than any worker has. */
const interrupted = (state: WorkerState): Effect.Effect<boolean, Failures> => {
  const one = state.current!
  const { instance } = one
  const before = state.invocation.limited
  const hadWholeTime = state.begun === 1 && !state.hasWaited
  const workers = (before?.instance === instance ? before.workers : 0) + (hadWholeTime ? 1 : 0)
  if (workers >= MOST_LIMITED) return failing(state, unended(state, one, workers))
  state.interrupted = { work: one, limited: workers === 0 ? undefined : { instance, workers } }
  return Effect.succeed(false)
}

const workOn = Effect.fnUntraced(function* (state: WorkerState): Effect.fn.Return<boolean, Failures | Ended> {
  while (state.status === "running") {
    if (state.shouldLeave && state.peek() !== undefined) return false
    const next = state.next()
    if (next !== undefined) {
      const turn = state.timing.turn()
      if (turn !== undefined) yield* turn
      if (state.status === "running") yield* node(state, next)
    } else {
      yield* drain(state)
      if (state.peek() === undefined) return true
    }
  }
  return true
})

/** How often, in ms, a worker says what it is running. */
const NOTICE_MS = 100

/** Takes one node through its stages. Part of the worker's own generator: most nodes need no Effect at all. */
function* node(state: WorkerState, one: Work): Effect.fn.Return<void, Failures | Ended> {
  const { instance } = one
  state.begun++
  const { measured, timing } = state
  const { graph } = state.context
  state.current = one
  const kind = graph.kind(Instance.nodeOf(instance))
  const beganAt = timing.now()
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
  const executeAt = timing.now()

  const keep: Array<Kept> = []
  let outputBytes = 0
  const measureOf = (tries: number, executionMs: number): Measure => ({
    startedAt: executeAt,
    inputsMs: executeAt - beganAt,
    executionMs,
    inputBytes: gathered?.bytes ?? 0,
    outputBytes,
    tries
  })
  const finished = (
    reads: ReadonlyArray<Flow.Release>,
    width: number,
    tries: number,
    executionMs: number
  ) => ({
    instance,
    width,
    keep,
    steps: Flow.steps(graph, instance, width),
    releases: released(state, reads),
    measure: measureOf(tries, executionMs)
  })

  const producer = Producer.of(state, one, () => {
    publishStream(state, instance, keep)
    const reads = Flow.releases(graph, instance)
    return completeNow(state, finished(reads, 0, 1, timing.now() - executeAt))
  })
  const processor = kind === "call" ? measured?.executing(Instance.nodeOf(instance)) : undefined
  const result = executing(state, one, args, producer)
  // It takes its time: whoever waits for what came before it need not.
  if (state.lingers && Prompt.waits(result)) yield* tellSoon(state)
  const { tries, value } = Prompt.waits(result) ? yield* result : result
  const executionMs = timing.now() - executeAt
  const processorMs = measured?.processorMs(processor, Prompt.waits(result)) ?? Number.NaN
  if (kind === "call") state.context.durations.ran(Instance.nodeOf(instance), executionMs)

  const width = kind === "expand" || kind === "gate" ? (value as number) : (gathered?.width ?? 0)
  const reads = Flow.releases(graph, instance, width)
  if (producer?.streamed) {
    measured?.node(instance, one.attempt, measureOf(tries, executionMs), gathered?.read, processorMs, true)
    letGo(state, reads)
    return
  }
  const seen = state.context.holds ? hold(state, one, value) : undefined
  if (measured !== undefined) measured.publishing = instance
  const published = wrapped(state, "publish", one, () =>
    Prompt.map(publishAll(state, instance, kind, value, args, keep, seen?.bytes), (bytes) => {
      outputBytes = Math.max(bytes, seen?.size ?? 0)
    })
  )
  const waited = Prompt.waits(published)
  if (waited) yield* published
  const done = finished(reads, width, tries, executionMs)
  if (measured !== undefined) {
    if (kind === "expand") measured.opened(instance, width)
    measured.node(instance, one.attempt, done.measure, gathered?.read, processorMs, waited)
  }
  letGo(state, reads)
  const completed = wrapped(state, "complete", one, () => complete(state, done))
  if (Prompt.waits(completed)) yield* completed
}

/** Of what an instance has read, what others can get: the store counts its readers. The worker counts those of the rest. */
const released = (state: WorkerState, reads: ReadonlyArray<Flow.Release>): ReadonlyArray<Flow.Release> => {
  const releases: Array<Flow.Release> = []
  for (const read of reads) {
    if (state.values.isStored(read.value)) releases.push(read)
    else state.values.released(read.value, read.delta)
  }
  return releases
}

/** What an instance has read it needs no more. */
const letGo = (state: WorkerState, reads: ReadonlyArray<Flow.Release>) => {
  for (const { value } of reads) state.values.unpin(value)
  state.values.trim()
}

/** The stage `execute`. */
const executing = (
  state: WorkerState,
  one: Work,
  args: ReadonlyArray<unknown>,
  producer: Producer | undefined
): Prompt.Prompt<Executed, NodeFailed | StoreError | OutOfTime> => {
  const begun = state.context.hasBehaviours(one.instance)
    ? wrappedCall(state, one, args, producer)
    : call(state, one, args, producer)
  const called = Prompt.waits(begun) ? state.inTime(begun) : begun
  const settled = producer === undefined ? called : producer.settle(Prompt.toEffect(() => called))
  return state.live.size === 0
    ? settled
    : Effect.ensuring(
        Prompt.toEffect(() => settled),
        closeItems(state)
      )
}

/** The task has ended: it reads no more of the streams that it was given. */
const closeItems = (state: WorkerState): Effect.Effect<void> =>
  Effect.suspend(() => {
    const live = [...state.live]
    state.live.clear()
    return Effect.forEach(live, (items) => items.close, { concurrency: "unbounded", discard: true })
  })

/** The stage `execute` of a node with behaviours, which see its value, and may give another. */
const wrappedCall = (
  state: WorkerState,
  one: Work,
  args: ReadonlyArray<unknown>,
  producer: Producer | undefined
): Effect.Effect<Executed, NodeFailed> => {
  let tries = 0
  const bare = Effect.suspend(() =>
    Effect.map(
      Prompt.toEffect(() => call(state, one, args, producer)),
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
  keep: Array<Kept>,
  encoded: Uint8Array | undefined
): Prompt.Prompt<number, StoreError> => {
  const published = publish(state, instance, value, keep, encoded)
  if (kind !== "expand") return published
  return Effect.gen(function* () {
    const bytes = Prompt.waits(published) ? yield* published : published
    return bytes + (yield* publishItems(state, instance, args[0] as ReadonlyArray<unknown>, keep))
  })
}
