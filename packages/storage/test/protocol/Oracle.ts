/**
 * What the protocol promises, as simply as possible: after every call all that is expected is computed anew from who has
 * completed what, and compared with what the store says. It shares no code with any store, knows the graph from
 * `Unrolled` only, and names the invariant that is broken.
 */
import { type Graph, Instance, type InstanceId } from "@weft/core"
import type { Completion, Kept, Reply, RunState, RunStatus, StoredValue } from "@weft/storage"
import type { Unrolled } from "./Unrolled.ts"

/** A promise that was broken. */
export class Broken extends Error {
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
  }
}

interface Holding {
  readonly holder: string
  /** 1 at first. */
  readonly attempt: number
  /** How many losses more there were that count a tenth, from 0 to 9. */
  readonly tenths: number
  /** Whether the holder has been told. */
  readonly told: boolean
}

interface Expected {
  readonly ready: Map<InstanceId, number>
  readonly invoke: Set<string>
  readonly refused: Array<InstanceId>
  readonly dropped: Set<InstanceId>
}

type Losses = Pick<Holding, "attempt" | "tenths">
/** What was lost, and what that makes of its losses. */
type Lost = Map<InstanceId, Losses>
const NO_LOSSES: Losses = { attempt: 1, tenths: 0 }

/** How instances are adopted: by the worker itself or in its name, and who hands them over. */
export interface Adopting {
  readonly incarnation?: string | undefined
  readonly from?: string | undefined
}

const nothing = (): Expected => ({ ready: new Map(), invoke: new Set(), refused: [], dropped: new Set() })

const list = (items: Iterable<unknown>) => `{${[...items].map(String).sort().join(" ")}}`

export interface OracleOptions {
  readonly graph: Graph.Graph
  readonly unrolled: Unrolled
  /** The worker that the plan gives an instance to. */
  readonly planned: (instance: InstanceId) => string | undefined
  readonly leaseMs: number
  readonly maxAttempts: number
}

export class Oracle {
  readonly done = new Set<InstanceId>()
  status: RunStatus = "running"
  private readonly options: OracleOptions
  /** Who has each ready instance. */
  private readonly held = new Map<InstanceId, Holding>()
  /** Workers that have begun, and which incarnation: "" if they have not said. */
  private readonly begun = new Map<string, string>()
  /** Named workers that are there, and those that were asked for and are not there yet. */
  private readonly alive = new Map<string, string>()
  private readonly asked = new Set<string>()
  /** When each worker's lease began that has something to lose. */
  private readonly since = new Map<string, number>()
  private readonly values = new Map<InstanceId, StoredValue>()
  /** Objects that their sender was told to remove. */
  private readonly dropped = new Set<InstanceId>()
  /** Instances that were lost as often as the run allows: one of them is the reason for its failure. */
  private readonly exhausted = new Set<InstanceId>()
  private now = 0

  constructor(options: OracleOptions) {
    this.options = options
  }

  // What has happened, and what the answer must be.

  begin(reply: Reply, again: boolean): void {
    const expected = nothing()
    this.now = reply.now
    if (again) {
      for (const instance of this.options.unrolled.instances) {
        if (this.parents(instance).length === 0) this.repeat(instance, "client", expected)
      }
    } else {
      this.given("client", expected)
      if (this.options.unrolled.targets.length === 0) this.end("succeeded")
    }
    this.compare("begin", reply, expected)
  }

  complete(worker: string, completions: ReadonlyArray<Completion>, reply: Reply): void {
    const expected = nothing()
    const lost = this.hear(reply, worker)
    const later = new Set(completions.map(({ instance }) => instance))
    for (const { instance, keep, steps } of completions) {
      later.delete(instance)
      if (this.status !== "running" || this.done.has(instance)) {
        expected.refused.push(instance)
        if (this.status !== "running") this.turnAway(keep, expected)
        else for (const step of steps) this.repeat(step.instance, worker, expected)
        continue
      }
      this.done.add(instance)
      this.held.delete(instance)
      this.keepAll(keep, expected)
      this.dropUnread(this.options.unrolled.reads.get(instance)!)
      if (this.options.unrolled.targets.every((target) => this.done.has(target))) this.end("succeeded")
      this.given(worker, expected, later)
    }
    this.hand(lost, worker, expected)
    for (const [instance, { attempt, holder, told }] of this.held) {
      if (holder === worker && !told) this.tell(instance, attempt, expected)
    }
    this.spoke(worker)
    this.forgetIdle()
    this.compare("complete", reply, expected)
  }

  keep(worker: string, values: ReadonlyArray<Kept>, reply: Reply): void {
    const expected = nothing()
    this.now = reply.now
    this.renewLease(worker)
    this.spoke(worker)
    if (this.status === "running") this.keepAll(values, expected)
    else this.turnAway(values, expected)
    this.compare("keep", reply, expected)
  }

  adopt(worker: string, instances: ReadonlyArray<InstanceId>, as: Adopting, reply: Reply): void {
    const expected = nothing()
    this.now = reply.now
    const { from, incarnation } = as
    const before = this.alive.get(worker) ?? this.begun.get(worker) ?? ""
    if (incarnation !== undefined && before !== "" && before !== incarnation && this.lives(worker)) {
      expected.refused.push(...instances)
      this.compare("adopt", reply, expected)
      return
    }
    this.renewLease(worker)
    for (const instance of instances) {
      const holder = this.held.get(instance)?.holder
      const isFree = holder === worker || holder === from || !(holder !== undefined && this.lives(holder))
      if (holder === undefined || !isFree) expected.refused.push(instance)
      else this.hold(instance, { ...this.held.get(instance)!, holder: worker, told: true })
    }
    if (incarnation !== undefined && this.since.has(worker) && !this.asked.has(worker)) {
      this.begun.set(worker, incarnation)
    }
    this.forgetIdle()
    this.compare("adopt", reply, expected)
  }

  renew(workers: ReadonlyArray<string>, taker: string, reply: Reply): void {
    const expected = nothing()
    const lost = this.hear(reply, ...workers)
    this.hand(lost, taker, expected)
    for (const worker of workers) this.spoke(worker)
    this.compare("renew", reply, expected)
  }

  attach(worker: string, incarnation: string, now: number, reply: Reply | undefined): void {
    if (this.status !== "running") {
      this.compare("attach", reply, nothing())
      return
    }
    const other = this.alive.get(worker)
    const isOther = other !== undefined && other !== incarnation
    if (isOther && now < this.since.get(worker)! + this.options.leaseMs) {
      if (reply !== undefined) throw new Broken("attach", `${worker} is alive twice`)
      return
    }
    if (reply === undefined) throw new Broken("attach", `${worker} is turned away although no other is alive`)
    const expected = nothing()
    const lost = isOther ? this.hear(reply) : this.hear(reply, worker)
    this.alive.set(worker, incarnation)
    this.begun.delete(worker)
    this.asked.delete(worker)
    this.since.set(worker, this.now)
    for (const [instance, { attempt, holder }] of this.held) {
      if (holder === worker) this.tell(instance, attempt, expected)
    }
    this.hand(lost, worker, expected)
    this.compare("attach", reply, expected)
  }

  detach(worker: string, incarnation: string, reply: Reply): void {
    const expected = nothing()
    if (this.alive.get(worker) === incarnation) {
      const lost = this.hear(reply, worker)
      this.hand(lost, worker, expected)
      for (const [instance, { attempt, holder }] of this.held) {
        if (holder === worker && this.options.planned(instance) === worker)
          this.tell(instance, attempt, expected)
      }
      if (expected.ready.size === 0) this.alive.delete(worker)
      this.forgetIdle()
    }
    this.compare("detach", reply, expected)
  }

  abandon(workers: ReadonlyArray<string>, taker: string, reply: Reply): void {
    const expected = nothing()
    const lost = this.hear(reply)
    for (const worker of workers) this.lose(worker, lost, 10)
    this.hand(lost, taker, expected)
    this.compare("abandon", reply, expected)
  }

  fail(): void {
    if (this.status === "running") this.end("failed")
  }

  cancel(): void {
    if (this.status === "running") this.end("cancelled")
  }

  /** Compares everything that can be asked of a store. */
  check(state: RunState, stored: ReadonlyMap<InstanceId, StoredValue | undefined>): void {
    if (state.status !== this.status) throw new Broken("I8", `the run is ${state.status}, not ${this.status}`)
    if (state.completed !== this.done.size)
      throw new Broken("I1", `${state.completed} are complete, not ${this.done.size}`)
    if (this.exhausted.size > 0 && !state.failures.some(({ instance }) => this.exhausted.has(instance)))
      throw new Broken("I6", `no failure of ${list(this.exhausted)} is recorded`)
    for (const [instance, value] of stored) {
      const expected = this.values.get(instance)
      if (
        (value === undefined) !== (expected === undefined) ||
        (value === "object") !== (expected === "object")
      )
        throw new Broken("I9", `the value of ${instance} is ${shown(value)}, not ${shown(expected)}`)
    }
  }

  /** How many entries a run that has ended may leave. */
  get left(): number {
    return 1 + this.values.size
  }

  /** How many readers of a value the store has to expect if it is kept now: those that no closed gate holds back. */
  readersLeft(value: InstanceId): number {
    const { graph, unrolled } = this.options
    const depth = Instance.indicesOf(value).length
    const isLetIn = (reader: InstanceId) =>
      Instance.indicesOf(reader).length <= depth ||
      unrolled.parents
        .get(reader)!
        .every((parent) => graph.kind(Instance.nodeOf(parent)) !== "gate" || this.done.has(parent))
    const readers = (unrolled.readers.get(value) ?? []).filter(
      (reader) => !this.done.has(reader) && isLetIn(reader)
    )
    return readers.length + (unrolled.targets.includes(value) ? 1 : 0)
  }

  isKept(value: InstanceId): boolean {
    return this.values.has(value)
  }

  /** Whether all parents of an instance are complete, or will be with `more`. */
  mayRun(instance: InstanceId, more: ReadonlySet<InstanceId>): boolean {
    return this.parents(instance).every((parent) => this.done.has(parent) || more.has(parent))
  }

  isHeld(instance: InstanceId): boolean {
    return this.held.has(instance)
  }

  // The rules.

  private parents(instance: InstanceId): ReadonlyArray<InstanceId> {
    return this.options.unrolled.parents.get(instance)!
  }

  /** I4, I5: who speaks has a new lease; then those whose lease has run out lose what they hold. */
  private hear(reply: Reply, ...workers: ReadonlyArray<string>): Lost {
    if (reply.now < this.now) throw new Broken("I4", `the clock went back from ${this.now} to ${reply.now}`)
    this.now = reply.now
    const lost: Lost = new Map()
    if (this.status !== "running") return lost
    for (const worker of workers) this.renewLease(worker)
    for (const [worker, since] of [...this.since]) {
      if (since + this.options.leaseMs <= this.now) this.lose(worker, lost, this.hasBegun(worker) ? 10 : 1)
    }
    return lost
  }

  private renewLease(worker: string) {
    if (this.since.has(worker)) this.since.set(worker, this.now)
  }

  private hasBegun(worker: string): boolean {
    return this.alive.has(worker) || this.begun.has(worker)
  }

  /** Whether a worker has begun, and its lease has not run out. */
  private lives(worker: string): boolean {
    const since = this.since.get(worker)
    return this.hasBegun(worker) && since !== undefined && this.now < since + this.options.leaseMs
  }

  /** A worker has spoken. Of one that is asked for it may be a former incarnation. */
  private spoke(worker: string) {
    if (this.since.has(worker) && !this.asked.has(worker) && !this.hasBegun(worker))
      this.begun.set(worker, "")
  }

  /** A worker is gone; collects what it held, and how many tenths of an attempt that was lost. */
  private lose(worker: string, lost: Lost, tenths: number) {
    if (this.status !== "running") return
    this.since.delete(worker)
    this.begun.delete(worker)
    this.alive.delete(worker)
    this.asked.delete(worker)
    for (const [instance, held] of this.held) {
      if (held.holder !== worker) continue
      const sum = 10 * held.attempt + held.tenths + tenths
      lost.set(instance, { attempt: Math.floor(sum / 10), tenths: sum % 10 })
    }
  }

  /** I5: what was lost and is incomplete goes to who spoke, or again to whom the plan gave it. */
  private hand(lost: Lost, taker: string, expected: Expected) {
    if (this.status !== "running") return
    const open = [...lost].filter(([instance]) => !this.done.has(instance))
    for (const [instance, { attempt }] of open)
      if (attempt > this.options.maxAttempts) this.exhausted.add(instance)
    if (this.exhausted.size > 0) {
      this.end("failed")
      expected.ready.clear()
      expected.invoke.clear()
      return
    }
    for (const [instance, losses] of open) {
      this.held.delete(instance)
      this.give(instance, losses, taker, expected)
    }
    if (open.some(([instance]) => this.held.get(instance)?.holder === taker)) this.since.set(taker, this.now)
  }

  /**
   * I2, I3: everything whose parents are complete, and that nobody has yet, is given to somebody now.
   *
   * @param later what is complete with this very call
   */
  private given(caller: string, expected: Expected, later: ReadonlySet<InstanceId> = new Set()) {
    if (this.status !== "running") return
    for (const instance of this.options.unrolled.instances) {
      if (this.done.has(instance) || this.held.has(instance) || later.has(instance)) continue
      if (this.mayRun(instance, new Set())) this.give(instance, NO_LOSSES, caller, expected)
    }
  }

  private give(instance: InstanceId, losses: Losses, caller: string, expected: Expected) {
    const holder = this.options.planned(instance) ?? caller
    this.hold(instance, { holder, ...losses, told: false })
    if (holder === caller) this.tell(instance, losses.attempt, expected)
    else if (!this.alive.has(holder) && !this.asked.has(holder)) {
      this.asked.add(holder)
      this.begun.delete(holder)
      this.since.set(holder, this.now)
      expected.invoke.add(holder)
    }
  }

  private hold(instance: InstanceId, holding: Holding) {
    this.held.set(instance, holding)
    if (!this.since.has(holding.holder)) this.since.set(holding.holder, this.now)
  }

  private tell(instance: InstanceId, attempt: number, expected: Expected) {
    this.held.set(instance, { ...this.held.get(instance)!, told: true })
    expected.ready.set(instance, attempt)
  }

  /** A call is repeated: what the caller was given is answered again, and who was asked for is asked for again. */
  private repeat(instance: InstanceId, caller: string, expected: Expected) {
    const held = this.held.get(instance)
    const holder = this.options.planned(instance) ?? caller
    if (held?.holder !== holder) return
    if (holder === caller) {
      if (held.told) expected.ready.set(instance, held.attempt)
    } else if (this.asked.has(holder)) {
      this.since.set(holder, this.now)
      expected.invoke.add(holder)
    }
  }

  /** Who has nothing to lose has no lease. */
  private forgetIdle() {
    const holders = new Set([...this.held.values()].map(({ holder }) => holder))
    for (const worker of [...this.since.keys()]) {
      if (holders.has(worker) || this.alive.has(worker) || this.asked.has(worker)) continue
      this.since.delete(worker)
      this.begun.delete(worker)
    }
  }

  private keepAll(keep: ReadonlyArray<Kept>, expected: Expected) {
    for (const { instance, readers, value } of keep) {
      if (this.values.has(instance)) continue
      if (readers > 0) this.values.set(instance, value)
      else if (value === "object") expected.dropped.add(instance)
    }
  }

  private turnAway(keep: ReadonlyArray<Kept>, expected: Expected) {
    for (const { instance, value } of keep) {
      if (value === "object" && !this.values.has(instance)) expected.dropped.add(instance)
    }
  }

  /** I9: of these, those that nobody will read any more. */
  private dropUnread(values: ReadonlyArray<InstanceId>) {
    const { readers, targets } = this.options.unrolled
    for (const value of values) {
      if (targets.includes(value) || readers.get(value)?.some((reader) => !this.done.has(reader))) continue
      if (this.values.get(value) === "object") this.dropped.add(value)
      this.values.delete(value)
    }
  }

  /** I8. */
  private end(status: "succeeded" | "failed" | "cancelled") {
    this.status = status
    for (const [instance, value] of this.values) {
      if (status === "succeeded" && this.options.unrolled.targets.includes(instance)) continue
      if (status === "succeeded" && value === "object") this.dropped.add(instance)
      this.values.delete(instance)
    }
    this.held.clear()
    this.begun.clear()
    this.alive.clear()
    this.asked.clear()
    this.since.clear()
  }

  private compare(call: string, reply: Reply | undefined, expected: Expected) {
    if (reply === undefined) throw new Broken(call, "there is no answer")
    if (this.status !== "running") {
      expected.ready.clear()
      expected.invoke.clear()
    }
    // Held for that run: what the answer says is dropped is dropped in this step.
    for (const instance of this.dropped) expected.dropped.add(instance)
    this.dropped.clear()
    const same = (
      invariant: string,
      what: string,
      actual: ReadonlyArray<unknown>,
      wanted: Iterable<unknown>
    ) => {
      if (list(actual) !== list(wanted))
        throw new Broken(invariant, `${call} answers ${what} ${list(actual)}, not ${list(wanted)}`)
    }
    if (reply.status !== this.status)
      throw new Broken("I8", `${call} answers that the run is ${reply.status}, not ${this.status}`)
    same("I1", "refused", reply.refused, expected.refused)
    same(
      "I2, I3, I5",
      "ready (with attempts)",
      reply.ready.map(({ attempt, instance }) => `${instance}*${attempt}`),
      [...expected.ready].map(([instance, attempt]) => `${instance}*${attempt}`)
    )
    same("I3", "invoke", reply.invoke, expected.invoke)
    same("I9", "dropped", reply.dropped, expected.dropped)
  }
}

const shown = (value: StoredValue | undefined) =>
  value === undefined ? "not there" : value === "object" ? "an object" : "inline"
