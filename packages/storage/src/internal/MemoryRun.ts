/**
 * The state of one run in memory, and the protocol's steps on it. Synchronous throughout: a step is atomic because
 * nothing else runs meanwhile. The invariants are those of `Coordination.ts`.
 */
import type { Failure, Flow, InstanceId } from "@weft/core"
import {
  CLIENT,
  type CompletedNotice,
  type Completion,
  type Kept,
  type Message,
  type PlannedStep,
  type Ready,
  type Reply,
  type RunSpec,
  type RunState,
  type RunStatus,
  type StoredValue
} from "../Coordination.ts"

/** A worker that holds instances, or is named and alive. */
interface Holder {
  /** When its lease runs out, in ms by the store's clock. */
  deadline: number
  /** What it has to run. */
  readonly instances: Set<InstanceId>
  /** For a named worker: what became ready for it and was not yet given to it. Part of `instances`. */
  readonly inbox: Set<InstanceId>
  /** For a named worker: which invocation is alive; `undefined` while one was asked for, or none is. */
  incarnation: string | undefined
  /** For a named worker: whether someone has been told to invoke it. */
  invoked: boolean
}

export class MemoryRun {
  readonly spec: RunSpec
  /** The store's clock, set before each step. */
  now = 0
  /** Kept values, and how many instances still read each. */
  readonly values = new Map<InstanceId, { readonly value: StoredValue; readers: number }>()
  private begunAt: number | undefined
  private endedAt: number | undefined
  private status: RunStatus = "running"
  private reason: string | undefined
  private instances: number
  private readonly completed = new Set<InstanceId>()
  private completedCount = 0
  /** How many completions an instance still waits for. */
  private readonly pending = new Map<InstanceId, number>()
  /** Who holds each ready instance, and which named worker it was planned for. */
  private readonly holderOf = new Map<InstanceId, { holder: string; readonly planned: string | undefined }>()
  private readonly holders = new Map<string, Holder>()
  /** Attempts of instances whose worker was lost before. */
  private readonly attempts = new Map<InstanceId, number>()
  private readonly openTargets: Set<InstanceId>
  private readonly failures: Array<Failure.Failure> = []
  /** No lease runs out before this: saves looking. */
  private nextDeadline = Number.POSITIVE_INFINITY
  /** Who was lost in the current step, with what. */
  private lost: Array<{
    readonly worker: string
    readonly instances: ReadonlySet<InstanceId>
    readonly reason: string
  }> = []
  private messages: Array<[channel: string, message: Message]> = []

  // What the current step answers.
  private ready: Array<Ready> = []
  private invoke: Array<string> = []
  private refused: Array<InstanceId> = []
  private dropped: Array<InstanceId> = []

  constructor(spec: RunSpec) {
    this.spec = spec
    this.instances = spec.instances
    this.openTargets = new Set(spec.targets)
  }

  begin(client: string): Reply {
    if (this.begunAt !== undefined) {
      for (const { instance, worker } of this.spec.ready)
        this.answerAgain(client, instance, worker, undefined)
      return this.reply()
    }
    this.begunAt = this.now
    for (const { instance, worker } of this.spec.ready) this.makeReady(client, instance, worker, undefined)
    if (this.openTargets.size === 0) this.end("succeeded")
    return this.reply()
  }

  complete(worker: string, completions: ReadonlyArray<Completion>): Reply {
    if (this.status === "running") {
      this.touch(worker)
      this.expire()
    }
    const notices: Array<CompletedNotice> = []
    for (const completion of completions) {
      if (this.status !== "running") {
        this.refused.push(completion.instance)
        this.turnAway(completion.keep)
      } else if (this.accept(worker, completion)) {
        notices.push({ instance: completion.instance, measure: completion.measure })
      } else {
        this.refused.push(completion.instance)
        for (const { inputs, instance, worker: planned } of completion.steps)
          this.answerAgain(worker, instance, planned, inputs)
      }
    }
    if (notices.length > 0) {
      this.messages.unshift([
        CLIENT,
        { type: "completed", worker, completions: notices, instances: this.instances }
      ])
    }
    this.takeOver(worker)
    return this.reply(worker)
  }

  /** I1: what is complete stays as it is. */
  private accept(worker: string, { added, instance, keep, releases, steps }: Completion): boolean {
    if (this.completed.has(instance)) return false
    this.completed.add(instance)
    this.completedCount++
    this.instances += added
    this.pending.delete(instance)
    this.attempts.delete(instance)
    this.letGo(instance)
    for (const kept of keep) this.put(kept)
    for (const step of steps) this.advance(worker, step)
    for (const release of releases) this.release(release)
    if (this.openTargets.delete(instance) && this.openTargets.size === 0) this.end("succeeded")
    return true
  }

  /** I2: reaching zero happens once, since the entry is gone then and completed instances are passed over. */
  private advance(worker: string, { delta, inputs, instance, need, worker: planned }: PlannedStep) {
    if (this.completed.has(instance) || this.holderOf.has(instance)) return
    const waits = (this.pending.get(instance) ?? need) + delta
    if (waits > 0) this.pending.set(instance, waits)
    else {
      this.pending.delete(instance)
      this.makeReady(worker, instance, planned, inputs)
    }
  }

  /** I3: gives a ready instance to the caller, or to the named worker it was planned for. */
  private makeReady(
    caller: string,
    instance: InstanceId,
    planned: string | undefined,
    inputs: ReadonlyArray<InstanceId> | undefined
  ) {
    const holderId = planned ?? caller
    const holder = this.holder(holderId)
    holder.instances.add(instance)
    this.holderOf.set(instance, { holder: holderId, planned })
    if (holderId === caller) {
      this.ready.push({ instance, attempt: this.attemptOf(instance), inputs: this.inline(inputs) })
      return
    }
    holder.inbox.add(instance)
    if (holder.incarnation !== undefined) this.messages.push([holderId, { type: "wake" }])
    else if (!holder.invoked) {
      // It has a whole lease to come.
      this.touch(holderId).invoked = true
      this.invoke.push(holderId)
    }
  }

  /** For a caller that repeats a call since its answer was lost: what it was given, as far as it still holds it. */
  private answerAgain(
    caller: string,
    instance: InstanceId,
    planned: string | undefined,
    inputs: ReadonlyArray<InstanceId> | undefined
  ) {
    const held = this.holderOf.get(instance)
    if (held === undefined || held.holder !== (planned ?? caller)) return
    const holder = this.holders.get(held.holder)!
    if (held.holder !== caller) {
      const starting = holder.invoked && holder.incarnation === undefined
      if (starting && !this.invoke.includes(held.holder)) this.invoke.push(held.holder)
    } else if (!holder.inbox.has(instance) && !this.ready.some((ready) => ready.instance === instance))
      this.ready.push({ instance, attempt: this.attemptOf(instance), inputs: this.inline(inputs) })
  }

  private inline(instances: ReadonlyArray<InstanceId> | undefined): Ready["inputs"] {
    if (instances === undefined) return []
    const found: Array<readonly [InstanceId, Uint8Array]> = []
    for (const instance of instances) {
      const value = this.values.get(instance)?.value
      if (value !== undefined && value !== "object") found.push([instance, value])
    }
    return found
  }

  private attemptOf(instance: InstanceId): number {
    return this.attempts.get(instance) ?? 1
  }

  keep(worker: string, values: ReadonlyArray<Kept>): Reply {
    if (this.status === "running") {
      this.touch(worker)
      for (const kept of values) this.put(kept)
    } else this.turnAway(values)
    return this.reply()
  }

  private put({ instance, readers, value }: Kept) {
    if (readers > 0 && !this.values.has(instance)) this.values.set(instance, { value, readers })
    else if (value === "object" && !this.values.has(instance)) this.dropped.push(instance)
  }

  /** Values for a run that has ended: they are the caller's to remove again, unless they are the result. */
  private turnAway(values: ReadonlyArray<Kept>) {
    for (const { instance, value } of values) {
      if (value === "object" && !this.values.has(instance)) this.dropped.push(instance)
    }
  }

  /** I9. */
  private release({ delta, value }: Flow.Release) {
    const kept = this.values.get(value)
    if (kept === undefined) return
    kept.readers += delta
    if (kept.readers > 0) return
    this.values.delete(value)
    if (kept.value === "object") this.dropped.push(value)
  }

  adopt(worker: string, instances: ReadonlyArray<InstanceId>): Reply {
    if (this.status === "running") this.touch(worker)
    for (const instance of instances) {
      const held = this.holderOf.get(instance)
      if (held === undefined) {
        this.refused.push(instance)
        continue
      }
      this.holders.get(held.holder)?.instances.delete(instance)
      this.holders.get(held.holder)?.inbox.delete(instance)
      held.holder = worker
      this.holder(worker).instances.add(instance)
    }
    return this.reply()
  }

  renew(workers: ReadonlyArray<string>, taker: string): Reply {
    for (const worker of workers) if (this.holders.has(worker)) this.touch(worker)
    this.expire()
    this.takeOver(taker)
    return this.reply()
  }

  attach(worker: string, incarnation: string): Reply | undefined {
    if (this.status !== "running") return this.reply()
    const known = this.holders.get(worker)
    const other = known?.incarnation
    if (known !== undefined && (other === undefined || other === incarnation)) this.touch(worker)
    // A former incarnation that was silent for too long is lost like any worker.
    this.expire()
    if (other !== undefined && other !== incarnation && this.holders.get(worker) === known) return undefined
    const holder = this.touch(worker)
    holder.incarnation = incarnation
    holder.invoked = true
    // What an incarnation was given may not have reached it: it gets everything.
    for (const instance of holder.instances) holder.inbox.add(instance)
    this.takeOver(worker)
    return this.reply(worker)
  }

  detach(worker: string, incarnation: string): Reply {
    if (this.holders.get(worker)?.incarnation !== incarnation) return this.reply()
    const holder = this.touch(worker)
    this.expire()
    this.takeOver(worker)
    // What the plan gave it is nobody else's to run. If it does not know of something, the answer was lost.
    for (const instance of holder.instances) {
      if (this.holderOf.get(instance)?.planned === worker) holder.inbox.add(instance)
    }
    const reply = this.reply(worker)
    if (reply.ready.length === 0 || reply.status !== "running") {
      holder.incarnation = undefined
      holder.invoked = false
      if (holder.instances.size === 0) this.holders.delete(worker)
    }
    return reply
  }

  abandon(workers: ReadonlyArray<string>, taker: string, reason: string): Reply {
    this.expire()
    for (const worker of workers) this.lose(worker, reason)
    this.takeOver(taker)
    return this.reply()
  }

  fail(failure: Failure.Failure) {
    if (this.status !== "running" && this.status !== "failed") return
    const { attempts, instance, kind, worker } = failure
    const isSame = (one: Failure.Failure) =>
      one.instance === instance && one.worker === worker && one.attempts === attempts && one.kind === kind
    if (this.failures.some(isSame)) return
    this.failures.push(failure)
    if (this.status === "running") this.end("failed")
  }

  cancel(reason: string) {
    if (this.status !== "running") return
    this.reason = reason
    this.end("cancelled")
  }

  state(): RunState {
    return {
      run: this.spec.run,
      workflow: this.spec.workflow,
      status: this.status,
      begunAt: this.begunAt ?? 0,
      endedAt: this.endedAt,
      completed: this.completedCount,
      instances: this.instances,
      failures: [...this.failures],
      reason: this.reason
    }
  }

  /** How many entries are kept, besides the run itself. */
  usage(): number {
    return (
      this.values.size +
      this.pending.size +
      this.holderOf.size +
      this.holders.size +
      this.attempts.size +
      this.completed.size
    )
  }

  takeMessages(): ReadonlyArray<[string, Message]> {
    if (this.messages.length === 0) return NO_MESSAGES
    const messages = this.messages
    this.messages = []
    return messages
  }

  /** I4, I5: everyone who speaks learns whose lease has run out. */
  private expire() {
    if (this.now < this.nextDeadline || this.status !== "running") return
    this.nextDeadline = Number.POSITIVE_INFINITY
    for (const [worker, holder] of this.holders) {
      if (holder.deadline <= this.now) this.lose(worker, "it has not been heard of for longer than its lease")
      else this.nextDeadline = Math.min(this.nextDeadline, holder.deadline)
    }
  }

  /** Forgets a holder. What it held is handed out by `takeOver`, when it is clear who is lost and what is complete. */
  private lose(worker: string, reason: string) {
    const holder = this.holders.get(worker)
    if (holder === undefined || this.status !== "running") return
    this.holders.delete(worker)
    if (holder.instances.size === 0) return
    this.messages.push([CLIENT, { type: "lost", worker, instances: holder.instances.size, reason }])
    this.lost.push({ worker, instances: holder.instances, reason })
  }

  /** I5: hands out what was lost in this step, counting one attempt for each. */
  private takeOver(taker: string) {
    if (this.lost.length === 0) return
    const lost = this.lost
    this.lost = []
    for (const { instances, reason, worker } of lost) {
      for (const instance of instances) {
        const held = this.holderOf.get(instance)
        if (held === undefined || held.holder !== worker) continue
        this.holderOf.delete(instance)
        const attempts = this.attemptOf(instance)
        if (attempts >= this.spec.maxAttempts) {
          this.fail({
            instance,
            kind: "lost",
            worker,
            attempts,
            message: `its worker was lost ${attempts} times; the last time because ${reason}`
          })
          return
        }
        this.attempts.set(instance, attempts + 1)
        this.makeReady(taker, instance, held.planned, undefined)
      }
    }
  }

  private holder(worker: string): Holder {
    const known = this.holders.get(worker)
    if (known !== undefined) return known
    const deadline = this.now + this.spec.leaseMs
    const holder: Holder = {
      deadline,
      instances: new Set(),
      inbox: new Set(),
      incarnation: undefined,
      invoked: false
    }
    this.holders.set(worker, holder)
    this.nextDeadline = Math.min(this.nextDeadline, deadline)
    return holder
  }

  private touch(worker: string): Holder {
    const holder = this.holder(worker)
    holder.deadline = this.now + this.spec.leaseMs
    return holder
  }

  private letGo(instance: InstanceId) {
    const held = this.holderOf.get(instance)
    if (held === undefined) return
    this.holderOf.delete(instance)
    const holder = this.holders.get(held.holder)
    holder?.instances.delete(instance)
    holder?.inbox.delete(instance)
  }

  /** I8: what is left of a run that has ended is its targets' values and its state. */
  private end(status: "succeeded" | "failed" | "cancelled") {
    this.status = status
    this.endedAt = this.now
    const targets = new Set(status === "succeeded" ? this.spec.targets : [])
    for (const [instance, { value }] of this.values) {
      if (targets.has(instance)) continue
      this.values.delete(instance)
      if (value === "object" && status === "succeeded") this.dropped.push(instance)
    }
    this.wakeAll()
    this.messages.push([CLIENT, { type: "ended", status }])
    this.pending.clear()
    this.holderOf.clear()
    this.holders.clear()
    this.attempts.clear()
    this.completed.clear()
    this.nextDeadline = Number.POSITIVE_INFINITY
  }

  /** Workers that wait for work are told that there will be none. */
  wakeAll() {
    for (const [worker, { incarnation }] of this.holders) {
      if (incarnation !== undefined) this.messages.push([worker, { type: "wake" }])
    }
  }

  /** The answer; for a named worker with what is in its inbox. */
  private reply(named?: string): Reply {
    const ready = this.ready
    const inbox = named === undefined ? undefined : this.holders.get(named)?.inbox
    if (inbox !== undefined) {
      for (const instance of inbox) ready.push({ instance, attempt: this.attemptOf(instance), inputs: [] })
      inbox.clear()
    }
    const running = this.status === "running"
    const reply: Reply = {
      now: this.now,
      status: this.status,
      ready: running ? ready : [],
      invoke: running ? this.invoke : [],
      refused: this.refused,
      dropped: this.dropped
    }
    this.ready = []
    this.invoke = []
    this.refused = []
    this.dropped = []
    return reply
  }
}

const NO_MESSAGES: ReadonlyArray<[string, Message]> = []
