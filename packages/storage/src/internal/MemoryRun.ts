/**
 * The state of one run in memory, and the protocol's steps on it. Synchronous throughout: a step is atomic because
 * nothing else runs meanwhile. The invariants are those of `Coordination.ts`.
 *
 * Each step goes: renew who speaks, set aside what the silent held (`expire`), do what was asked, hand out what was set
 * aside and is still incomplete (`takeOver`), answer (`reply`).
 */
import type { Failure, InstanceId } from "@weft/core"
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
  type RunStatus
} from "../Coordination.ts"
import { attemptAfter, type Held, type Holder, Holders, type Losses, NO_LOSSES } from "./Holders.ts"
import { KeptValues } from "./KeptValues.ts"

/** How many completions an instance waits for; who holds it once it is ready; `COMPLETE` from then on. */
type Progress = number | Held
const COMPLETE = 0

type Inputs = ReadonlyArray<InstanceId> | undefined

export class MemoryRun {
  readonly spec: RunSpec
  readonly values = new KeptValues((instance) => void this.dropped.add(instance))
  /** The store's clock. */
  private now = 0
  /** Counts the steps. */
  private step = 0
  private begunAt: number | undefined
  private endedAt: number | undefined
  private status: RunStatus = "running"
  private reason: string | undefined
  private instances: number
  private completed = 0
  private readonly progress = new Map<InstanceId, Progress>()
  private readonly holders: Holders
  private readonly openTargets: Set<InstanceId>
  private readonly failures: Array<Failure.Failure> = []
  private messages: Array<readonly [channel: string, message: Message]> = []

  // What the current step has found so far.
  private lost: Array<{ readonly holder: Holder; readonly reason: string; readonly whole: boolean }> = []
  private ready: Array<Ready> = []
  private invoke: Array<string> = []
  private refused: Array<InstanceId> = []
  private readonly dropped = new Set<InstanceId>()

  constructor(spec: RunSpec) {
    this.spec = spec
    this.instances = spec.instances
    this.holders = new Holders(spec.leaseMs)
    this.openTargets = new Set(spec.targets)
  }

  /** To be called before each step. The store's clock does not go back, whatever the system's does. */
  tick(now: number): void {
    this.now = Math.max(this.now, now)
    this.step++
  }

  begin(client: string): Reply {
    const { ready } = this.spec
    if (this.begunAt === undefined) {
      this.begunAt = this.now
      for (const { instance, worker } of ready) this.makeReady(client, instance, worker, undefined, NO_LOSSES)
      if (this.openTargets.size === 0) this.end("succeeded")
    } else for (const { instance, worker } of ready) this.answerAgain(client, instance, worker, undefined)
    return this.reply()
  }

  complete(worker: string, completions: ReadonlyArray<Completion>): Reply {
    this.holders.renew(worker, this.now)
    this.expire()
    const notices: Array<CompletedNotice> = []
    for (const completion of completions) {
      if (this.accept(worker, completion)) {
        notices.push({ instance: completion.instance, measure: completion.measure })
      }
    }
    if (notices.length > 0) {
      this.messages.unshift([
        CLIENT,
        { type: "completed", worker, completions: notices, instances: this.instances }
      ])
    }
    this.takeOver(worker)
    const holder = this.holders.get(worker)
    if (holder !== undefined) {
      holder.speaks()
      if (holder.inbox.length > 0) this.answerInbox(holder)
      this.holders.deleteIfIdle(holder)
    }
    return this.reply()
  }

  /** I1: what is complete stays as it is. */
  private accept(worker: string, { added, instance, keep, releases, steps }: Completion): boolean {
    if (this.status !== "running") {
      this.refused.push(instance)
      for (const kept of keep) this.values.turnAway(kept)
      return false
    }
    const before = this.progress.get(instance)
    if (before === COMPLETE) {
      this.refused.push(instance)
      for (const one of steps) this.answerAgain(worker, one.instance, one.worker, one.inputs)
      return false
    }
    this.progress.set(instance, COMPLETE)
    this.completed++
    this.instances += added
    if (typeof before === "object") {
      const { holder } = before
      holder.remove(before)
      if (holder.worker !== worker) this.holders.deleteIfIdle(holder)
    }
    for (const kept of keep) this.values.put(kept)
    for (const one of steps) this.advance(worker, one)
    for (const release of releases) this.values.release(release)
    if (this.openTargets.delete(instance) && this.openTargets.size === 0) this.end("succeeded")
    return true
  }

  /** I2: counts down what is neither ready nor complete; so zero is reached once. */
  private advance(worker: string, { delta, inputs, instance, need, worker: planned }: PlannedStep) {
    const before = this.progress.get(instance)
    if (before === COMPLETE || typeof before === "object") return
    const waits = (before ?? need) + delta
    if (waits > 0) this.progress.set(instance, waits)
    else this.makeReady(worker, instance, planned, inputs, NO_LOSSES)
  }

  /** I3: gives a ready instance to the caller, or to the named worker it was planned for. */
  private makeReady(
    caller: string,
    instance: InstanceId,
    planned: string | undefined,
    inputs: Inputs,
    losses: Losses
  ) {
    const holder = this.holders.obtain(planned ?? caller, this.now)
    const told = holder.worker === caller
    const held: Held = {
      instance,
      holder,
      planned,
      losses,
      told,
      answeredIn: 0,
      previous: undefined,
      next: undefined
    }
    holder.add(held)
    this.progress.set(instance, held)
    if (told) this.answer(held, inputs)
    else {
      holder.inbox.push(held)
      if (holder.phase === "attached") this.messages.push([holder.worker, { type: "wake" }])
      else if (holder.phase !== "asked") this.ask(holder)
    }
  }

  /** Has the caller invoke a named worker, which has a whole lease to come. */
  private ask(holder: Holder) {
    if (holder.askedIn === this.step) return
    holder.enter("asked")
    holder.askedIn = this.step
    this.holders.renew(holder.worker, this.now)
    this.invoke.push(holder.worker)
  }

  private answer(held: Held, inputs: Inputs) {
    held.told = true
    if (held.answeredIn === this.step) return
    held.answeredIn = this.step
    const { instance, losses } = held
    this.ready.push({
      instance,
      attempt: attemptAfter(losses),
      inputs: inputs === undefined ? NONE : this.values.inline(inputs)
    })
  }

  /** For a caller that repeats a call since its answer was lost: what it was given, as far as it still holds it. */
  private answerAgain(caller: string, instance: InstanceId, planned: string | undefined, inputs: Inputs) {
    const held = this.progress.get(instance)
    if (typeof held !== "object" || held.holder.worker !== (planned ?? caller)) return
    const { holder } = held
    if (holder.worker === caller) this.answer(held, inputs)
    // Not one that was lost in this step; nor one that was taken for lost, and holds again what it made ready itself.
    else if (holder.phase === "asked" && this.holders.get(holder.worker) === holder) this.ask(holder)
  }

  /** For a named worker: what became ready for it meanwhile. */
  private answerInbox(holder: Holder) {
    const { inbox } = holder
    holder.inbox = []
    for (const held of inbox) {
      if (!held.told && this.progress.get(held.instance) === held) this.answer(held, undefined)
    }
  }

  private answerHeld(holder: Holder, wanted: (held: Held) => boolean) {
    for (const held of holder.instances()) if (wanted(held)) this.answer(held, undefined)
  }

  keep(worker: string, values: ReadonlyArray<Kept>): Reply {
    this.holders.hear(worker, this.now)
    for (const kept of values) {
      if (this.status === "running") this.values.put(kept)
      else this.values.turnAway(kept)
    }
    return this.reply()
  }

  adopt(
    worker: string,
    instances: ReadonlyArray<InstanceId>,
    incarnation: string | undefined,
    from: string | undefined
  ): Reply {
    const known = this.holders.get(worker)
    if (incarnation !== undefined && known?.isOther(incarnation, this.now)) {
      this.refused.push(...instances)
      return this.reply()
    }
    this.holders.renew(worker, this.now)
    for (const instance of instances) {
      const held = this.progress.get(instance)
      if (typeof held !== "object" || this.isAnothers(held.holder, worker, from)) this.refused.push(instance)
      else this.move(held, this.holders.obtain(worker, this.now))
    }
    const holder = this.holders.get(worker)
    if (incarnation !== undefined && (holder?.phase === "invoked" || holder?.phase === "begun"))
      holder.enter("begun", incarnation)
    return this.reply()
  }

  /** I10: what a worker that is there holds only itself can give away. */
  private isAnothers(holder: Holder, worker: string, from: string | undefined): boolean {
    return holder.worker !== worker && holder.worker !== from && holder.hasBegun && holder.deadline > this.now
  }

  private move(held: Held, to: Holder) {
    const from = held.holder
    held.told = true
    if (from === to) return
    from.remove(held)
    to.add(held)
    this.holders.deleteIfIdle(from)
  }

  renew(workers: ReadonlyArray<string>, taker: string | undefined): Reply {
    for (const worker of workers) this.holders.renew(worker, this.now)
    if (taker !== undefined) {
      this.expire()
      this.takeOver(taker)
    }
    // Last: the taker may be one of them, and hold something only now.
    for (const worker of workers) this.holders.get(worker)?.speaks()
    return this.reply()
  }

  attach(worker: string, incarnation: string): Reply | undefined {
    if (this.status !== "running") return this.reply()
    const known = this.holders.get(worker)
    const isOther = known?.phase === "attached" && known.incarnation !== incarnation
    if (isOther && known.deadline > this.now) return undefined
    // Another incarnation that was silent for too long is lost like any worker.
    if (!isOther) this.holders.renew(worker, this.now)
    this.expire()
    const holder = this.holders.obtain(worker, this.now)
    holder.enter("attached", incarnation)
    // What an incarnation was given may not have reached it: it gets everything.
    this.answerHeld(holder, () => true)
    this.takeOver(worker)
    return this.reply()
  }

  detach(worker: string, incarnation: string): Reply {
    const holder = this.holders.get(worker)
    if (holder?.phase !== "attached" || holder.incarnation !== incarnation) return this.reply()
    this.holders.renew(worker, this.now)
    this.expire()
    this.takeOver(worker)
    if (this.status !== "running") return this.reply()
    // What the plan gave it is nobody else's to run. If it does not know of something, the answer was lost.
    this.answerHeld(holder, ({ planned }) => planned === worker)
    if (this.ready.length === 0) {
      // What it has handed off, and nobody has adopted, waits for who was invoked.
      holder.enter("invoked")
      this.holders.deleteIfIdle(holder)
    }
    return this.reply()
  }

  abandon(workers: ReadonlyArray<string>, taker: string, reason: string): Reply {
    // First: a loss that somebody has seen is a whole one, although the lease may have run out, too.
    for (const worker of workers) {
      const holder = this.holders.get(worker)
      if (holder !== undefined) this.lose(holder, reason, true)
    }
    this.expire()
    this.takeOver(taker)
    return this.reply()
  }

  fail(failure: Failure.Failure): void {
    if (this.status !== "running" && this.status !== "failed") return
    const { attempts, instance, kind, worker } = failure
    const isSame = (one: Failure.Failure) =>
      one.instance === instance && one.worker === worker && one.attempts === attempts && one.kind === kind
    if (this.failures.some(isSame)) return
    this.failures.push(failure)
    if (this.status === "running") this.end("failed")
  }

  cancel(reason: string): void {
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
      leaseMs: this.spec.leaseMs,
      heardAt: this.now,
      completed: this.completed,
      instances: this.instances,
      failures: [...this.failures],
      reason: this.reason
    }
  }

  /** For how many completions an instance waits, if it does. */
  waitsFor(instance: InstanceId): number | undefined {
    const progress = this.progress.get(instance)
    return typeof progress !== "number" || progress === COMPLETE ? undefined : progress
  }

  /** How many entries are kept, besides the run itself. */
  usage(): number {
    return this.values.size + this.progress.size + this.holders.size
  }

  takeMessages(): ReadonlyArray<readonly [string, Message]> {
    if (this.messages.length === 0) return NONE
    const messages = this.messages
    this.messages = []
    return messages
  }

  /** I4, I5: everyone who speaks learns whose lease has run out. */
  private expire() {
    for (const holder of this.holders.expired(this.now)) {
      const { hasBegun } = holder
      this.lose(holder, hasBegun ? SILENT : UNBEGUN, hasBegun)
    }
  }

  /** Forgets a holder. What it held is handed out by `takeOver`, when it is clear who is lost and what is complete. */
  private lose(holder: Holder, reason: string, whole: boolean) {
    const { count, worker } = holder
    this.holders.delete(holder)
    if (count === 0) return
    this.messages.push([CLIENT, { type: "lost", worker, instances: count, reason }])
    this.lost.push({ holder, reason, whole })
  }

  /** I5: hands out what was lost in this step, counting the loss of each. */
  private takeOver(taker: string) {
    if (this.lost.length === 0) return
    const lost = this.lost
    this.lost = []
    for (const { holder, reason, whole } of lost) {
      for (const { instance, losses, planned } of holder.instances()) {
        if (this.status !== "running") return
        const more = whole
          ? { ...losses, begun: losses.begun + 1 }
          : { ...losses, unbegun: losses.unbegun + 1 }
        if (attemptAfter(more) <= this.spec.maxAttempts)
          this.makeReady(taker, instance, planned, undefined, more)
        else this.giveUp(instance, holder.worker, more, reason)
      }
    }
    // It has a whole lease for what it was given.
    if (this.ready.length > 0) this.holders.renew(taker, this.now)
  }

  private giveUp(instance: InstanceId, worker: string, { begun, unbegun }: Losses, reason: string) {
    const message =
      begun === 0
        ? `its worker was invoked ${unbegun} times and never began`
        : unbegun > 0
          ? `its worker was lost ${times(begun)}, and ${times(unbegun)} was invoked and never began; the last time because ${reason}`
          : begun === 1
            ? `its worker was lost: ${reason}`
            : `its worker was lost ${times(begun)}, the last time because ${reason}`
    this.fail({ instance, kind: "lost", worker, attempts: begun + unbegun, message })
  }

  /** I8: what is left of a run that has ended is its targets' values and its state. */
  private end(status: "succeeded" | "failed" | "cancelled") {
    this.status = status
    this.endedAt = this.now
    if (status === "succeeded") this.values.retain(new Set(this.spec.targets))
    else this.values.clear()
    this.wakeAll()
    this.messages.push([CLIENT, { type: "ended", status, makespanMs: this.now - (this.begunAt ?? this.now) }])
    this.progress.clear()
    this.holders.clear()
    this.lost = []
    this.ready = []
    this.invoke = []
  }

  /** Workers that wait for work are told that there will be none. */
  wakeAll(): void {
    for (const { phase, worker } of this.holders.all()) {
      if (phase === "attached") this.messages.push([worker, { type: "wake" }])
    }
  }

  private reply(): Reply {
    const reply: Reply = {
      now: this.now,
      status: this.status,
      ready: this.ready,
      invoke: this.invoke,
      refused: this.refused,
      dropped: this.dropped.size === 0 ? NONE : [...this.dropped]
    }
    this.ready = []
    this.invoke = []
    this.refused = []
    if (this.dropped.size > 0) this.dropped.clear()
    return reply
  }
}

/** Why workers are taken for lost. */
const SILENT = "it has not been heard of for longer than its lease"
const UNBEGUN = "it did not begin within its lease"

const times = (count: number): string => (count === 1 ? "once" : `${count} times`)

const NONE: ReadonlyArray<never> = []
