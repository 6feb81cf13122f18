/**
 * The state of one worker, which its stages share.
 */
import { type Failure, Flow, Instance, type InstanceId } from "@weft/core"
import {
  CLIENT,
  type Coordination,
  type Kept,
  type Measure,
  type Message,
  type ObjectStore,
  type RunStatus,
  type StoreError,
  type Streams
} from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Claims } from "./Claims.ts"
import { Discards } from "./Discards.ts"
import type { EngineError, Host, Invoker } from "./Engine.ts"
import type { Invocation, Limited, Work } from "./Invocation.ts"
import { Limit, type OutOfTime } from "./Limit.ts"
import type { Measured } from "./Measured.ts"
import type { Prefetch } from "./Prefetch.ts"
import * as Ready from "./Ready.ts"
import type { RunContext } from "./RunContext.ts"
import type { Timing } from "./Timing.ts"
import { Values } from "./Values.ts"

/** A completed instance that coordination has not been told of. */
export interface Finished {
  readonly instance: InstanceId
  /** For expand, gate and collect the list's length, else 0. */
  readonly width: number
  readonly keep: Array<Kept>
  readonly steps: ReadonlyArray<Flow.Step>
  readonly releases: ReadonlyArray<Flow.Release>
  readonly measure: Measure
}

/** A node that failed for good; ends the worker's run. */
export class NodeFailed {
  readonly _tag = "NodeFailed"
  readonly failure: Failure.Failure
  constructor(failure: Failure.Failure) {
    this.failure = failure
  }
}

/** Others have completed what this worker was about to run: taken for lost, or invoked twice. */
export class Overtaken {
  readonly _tag = "Overtaken"
}

/** To get a node's inputs together something has to be computed again that needs more memory than there is here. */
export class NeedsMemory {
  readonly _tag = "NeedsMemory"
  readonly memoryMiB: number
  constructor(memoryMiB: number) {
    this.memoryMiB = memoryMiB
  }
}

/** A stream that the running task may read. */
export interface Live {
  /** Whether the task waits for items of it. */
  readonly waits: boolean
  /** The task has ended: it needs no more. */
  readonly close: Effect.Effect<void>
}

/** What a worker is made of. */
export interface WorkerParts {
  readonly context: RunContext
  readonly invocation: Invocation
  readonly invoker: Invoker
  readonly coordination: Coordination["Service"]
  readonly objects: ObjectStore["Service"]
  readonly host: Host["Service"]
  readonly timing: Timing
  /** Runs something beside the worker's own fiber, with the same clock. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** `undefined` where there is no store for streams: items are collected then. */
  readonly streams?: Streams["Service"] | undefined
  /** `undefined` if nothing is measured. */
  readonly measured?: Measured | undefined
}

export class WorkerState implements WorkerParts {
  readonly context: RunContext
  readonly invocation: Invocation
  readonly invoker: Invoker
  readonly coordination: Coordination["Service"]
  readonly objects: ObjectStore["Service"]
  readonly host: Host["Service"]
  readonly timing: Timing
  readonly fork: WorkerParts["fork"]
  readonly streams: Streams["Service"] | undefined
  readonly measured: Measured | undefined
  /** The streams that the running task may read. */
  readonly live = new Set<Live>()
  /** Whether the worker takes items from a generator whose readers others must run. */
  streaming = false
  readonly values: Values
  readonly claims: Claims
  /** What coordination says of the run; anything but `running` ends the worker. */
  status: RunStatus = "running"
  /** Whether a call has failed, so that coordination may have handed over what this worker does not know of. */
  unsure = false
  /** The worker's time, where that is limited. */
  readonly limit: Limit | undefined
  /** What is fetched ahead, if any of its behaviours asks for that. */
  prefetch: Prefetch | undefined
  /** What goes on beside the worker, and ends with it. */
  private readonly background = new Set<Fiber.Fiber<unknown>>()
  /** What to do before the worker leaves, unless the run is over. */
  readonly beforeLeaving = new Set<Effect.Effect<void>>()
  /** Whether the worker hands on all that it holds: it keeps nothing that becomes ready. */
  leaving = false
  /** Whether it has waited for work, and how many nodes it has begun. */
  hasWaited = false
  begun = 0
  /** What it ran when its time was over. */
  interrupted: { readonly work: Work; readonly limited: Limited | undefined } | undefined
  /** What is being run. */
  current: Work | undefined
  /** What coordination has not been told of, in order of completion. */
  finished: Array<Finished> = []
  /** Values that were put into the object store, or are being put there, and that it has not been told of. */
  readonly untoldObjects = new Set<InstanceId>()
  /** Objects that nobody needs any more. */
  readonly discards: Discards
  /** Values that it holds on to: what reads them and becomes ready here it runs itself. */
  readonly clustered = new Set<InstanceId>()
  /** Values that others may read, and that are stored when it is told of them at the latest. */
  readonly delayed = new Set<InstanceId>()
  /** Since when, by `Timing`, and how much execution, in ms, it has not been told of. */
  untoldSince = 0
  untoldMs = 0
  /** Whether somebody waits for what coordination has not been told of, in the hope of more in no time. */
  lingers = false
  /** The fiber that is telling coordination. */
  sender: Fiber.Fiber<void, StoreError | EngineError> | undefined
  /** When the worker last said what it is running, by `Timing`. */
  noticedAt = Number.NEGATIVE_INFINITY
  /** What it holds and could run. */
  private readonly ready: Ready.Ready
  private readonly known = new Set<InstanceId>()

  constructor(parts: WorkerParts) {
    this.context = parts.context
    this.values = new Values(parts.context.shared, undefined, parts.context.codec)
    this.invocation = parts.invocation
    this.invoker = parts.invoker
    this.coordination = parts.coordination
    this.objects = parts.objects
    this.discards = new Discards(parts.context.run, parts.objects)
    this.host = parts.host
    this.timing = parts.timing
    this.fork = parts.fork
    this.streams = parts.streams
    this.measured = parts.measured
    this.values.onEncoded = parts.measured?.encoded
    this.limit = Limit.of(parts.host)
    const { named, worker } = parts.invocation
    this.claims = new Claims(parts.context, worker, named, (node) => this.hasMemoryFor(node))
    this.ready = this.context.hasPriorities
      ? Ready.byPriority((instance) => this.priorityOf(instance))
      : Ready.inTurn()
    for (const carried of parts.invocation.values) this.values.came(...carried)
  }

  get run(): string {
    return this.context.run
  }

  get worker(): string {
    return this.invocation.worker
  }

  get running(): InstanceId | undefined {
    return this.current?.instance
  }

  /** Whether the worker keeps what becomes ready: not while others have to run it. */
  get mayKeep(): boolean {
    return !this.streaming && !this.leaving
  }

  /**
   * Whether it is time to leave. A worker begins at least one node, unless its time went by with waiting: where there is
   * hardly time to begin, nobody would ever.
   */
  get shouldLeave(): boolean {
    return this.limit !== undefined && (this.begun > 0 || this.hasWaited) && this.limit.isReached
  }

  /** Whether the worker has the memory that an instance needs. */
  hasMemoryFor(instance: InstanceId): boolean {
    return this.missingMemory(instance) === undefined
  }

  /** How much memory an instance needs, in MiB, if that is more than the worker has. */
  missingMemory(instance: InstanceId): number | undefined {
    const { memoryMiB, sizes } = this.invoker
    if (sizes === undefined || memoryMiB === undefined) return undefined
    const needed = sizes.of(instance)
    return needed > memoryMiB ? needed : undefined
  }

  /** Tells the run's clients, or a worker, something. A hint: nobody waits for it, and nothing depends on it. */
  tell(message: Message, channel = CLIENT): void {
    this.fork(Effect.ignore(this.coordination.publish(this.run, channel, message)))
  }

  /** Runs something beside the worker, until the worker ends. Nobody hears of a failure. */
  inBackground(effect: Effect.Effect<void>): void {
    const fiber = this.fork(effect)
    this.background.add(fiber)
    fiber.addObserver(() => this.background.delete(fiber))
  }

  /** Ends what goes on beside the worker. */
  get endBackground(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.background.size === 0 ? Effect.void : Fiber.interruptAll(this.background)
    )
  }

  /** Takes on work: what follows from it is claimed, and what it reads and is here is pinned. */
  adopt(work: ReadonlyArray<Work>): void {
    const fresh = this.inOrder(work.filter(({ instance }) => !this.isMine(instance)))
    if (fresh.length === 0) return
    for (const { instance } of fresh) {
      this.known.add(instance)
      for (const input of Flow.inputs(this.context.graph, instance)) this.values.pin(input)
    }
    this.claims.adopt(fresh.map(({ instance }) => instance))
    this.ready.add(fresh)
  }

  /** What needs a worker's whole time goes first. */
  private inOrder(work: ReadonlyArray<Work>): ReadonlyArray<Work> {
    const { limited } = this.invocation
    if (limited === undefined) return work
    const at = work.findIndex(({ instance }) => instance === limited.instance)
    return at <= 0 ? work : [work[at]!, ...work.slice(0, at), ...work.slice(at + 1)]
  }

  /** What needs a worker's whole time goes first in any case. */
  private priorityOf(instance: InstanceId): number {
    if (instance === this.invocation.limited?.instance) return Number.NEGATIVE_INFINITY
    return this.context.priorityOf(Instance.nodeOf(instance))
  }

  /** Whether the instance is, or was, this worker's to run, and coordination may not know that yet. */
  isMine(instance: InstanceId): boolean {
    return this.known.has(instance) || this.claims.has(instance)
  }

  /** A claimed instance whose parents are all complete. */
  push(instance: InstanceId): void {
    this.known.add(instance)
    this.ready.push({ instance, attempt: 1 })
  }

  /** What to run next. */
  next(): Work | undefined {
    return this.ready.next()
  }

  /** Takes away all that would be run, in that order. */
  takeAll(): ReadonlyArray<Work> {
    const all: Array<Work> = []
    for (let next = this.next(); next !== undefined; next = this.next()) all.push(next)
    this.known.clear()
    this.claims.clear()
    return all
  }

  /** Others run the instance, and what follows from it, which is answered. */
  giveAway(instance: InstanceId): ReadonlyArray<InstanceId> {
    this.known.delete(instance)
    return this.claims.forget(instance)
  }

  /** Interrupts what takes longer than the worker has. */
  inTime<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | OutOfTime> {
    return this.limit === undefined ? effect : this.limit.within(effect)
  }

  /** Of what would be run next, what was claimed. */
  peekClaimed(): Work | undefined {
    return this.ready.claimed()
  }

  /** What would be run next. */
  peek(): Work | undefined {
    return this.ready.peek()
  }

  /** Coordination knows that the instances are complete. */
  acknowledged(finished: ReadonlyArray<Finished>): void {
    for (const { instance } of finished) this.known.delete(instance)
  }

  /** Coordination knows of the values, and what it did not want of them is removed. */
  told(values: ReadonlyArray<Kept>): void {
    if (this.untoldObjects.size === 0) return
    for (const { instance } of values) this.untoldObjects.delete(instance)
  }
}
