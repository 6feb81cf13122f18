/**
 * Drives a store with the workers of one run, in an order that a list of numbers decides: completions, alone and in
 * batches, by the living and by those long lost; calls that are repeated; invocations that are lost or come twice;
 * workers that fall silent; the clock. After the numbers are used up everybody works on, and the run must end.
 */
import { Flow, type Graph, Instance, type InstanceId } from "@weft/core"
import {
  CLIENT,
  type Completion,
  type Coordination,
  type Kept,
  type Message,
  type PlannedStep,
  type Reply,
  type StoreError
} from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Adopting, Broken, Oracle } from "./Oracle.ts"
import { type Unrolled, unroll } from "./Unrolled.ts"

export interface SimulationOptions {
  readonly graph: Graph.Graph
  /** Decides lengths of lists, who is planned where, and what goes to the object store. */
  readonly seed: number
  /** The longest list. */
  readonly width: number
  /** How many named workers the plan has. */
  readonly named: number
  readonly maxAttempts: number
  /** What happens, in order. */
  readonly choices: ReadonlyArray<number>
  /** Whether the run may fail or be cancelled by a call. */
  readonly mayStop: boolean
}

const LEASE_MS = 1000

/** Somebody who runs instances. */
interface Actor {
  readonly worker: string
  /** Of a named worker: which invocation it is. */
  readonly incarnation: string | undefined
  /** What it was given; it need not hold it any more. */
  readonly work: Set<InstanceId>
  /** Of a flexible worker: how it began. */
  readonly as?: Adopting
}

type Store = Coordination["Service"]
type Step = Effect.Effect<void, StoreError, Scope.Scope>

/** A number that depends on a seed and a name. */
const hash = (seed: number, name: InstanceId): number =>
  [...String(name)].reduce(
    (sum, letter) => (Math.imul(sum, 33) ^ letter.charCodeAt(0)) >>> 0,
    seed + 5381
  ) >>> 3

/** Runs a simulation; fails with `Broken` as soon as a promise is broken. */
export const simulate = (
  store: Store,
  elapse: (ms: number) => Effect.Effect<void>,
  options: SimulationOptions
): Step =>
  Effect.suspend(() => {
    const trace: Array<string> = []
    return Effect.catchDefect(new Simulation(traced(store, trace), elapse, options).run(), (defect) => {
      if (defect instanceof Broken) defect.message += `\nafter:\n${trace.slice(-40).join("\n")}`
      return Effect.die(defect)
    })
  })

/** Notes the calls that say something, for reading failures. */
const traced = (store: Store, trace: Array<string>): Store => {
  const note =
    <Args extends ReadonlyArray<unknown>, A>(name: string, call: (run: string, ...args: Args) => A) =>
    (run: string, ...args: Args): A => {
      trace.push(`  ${name} ${args.map((arg) => JSON.stringify(arg, brief)).join(" ")}`)
      return call(run, ...args)
    }
  return {
    ...store,
    complete: note("complete", store.complete),
    keep: note("keep", store.keep),
    adopt: note("adopt", store.adopt),
    renew: note("renew", store.renew),
    attach: note("attach", store.attach),
    detach: note("detach", store.detach),
    abandon: note("abandon", store.abandon),
    fail: note("fail", store.fail),
    cancel: note("cancel", store.cancel)
  }
}

const brief = (key: string, value: unknown) =>
  key === "measure" ||
  key === "releases" ||
  key === "added" ||
  (key === "keep" && (value as Array<unknown>).length === 0)
    ? undefined
    : value

/** How large a simulation would be. */
export const sizeOf = (options: Pick<SimulationOptions, "graph" | "seed" | "width">): number =>
  unrolledOf(options).instances.length

const unrolledOf = ({ graph, seed, width }: Pick<SimulationOptions, "graph" | "seed" | "width">): Unrolled =>
  unroll(graph, (expand) => hash(seed, expand) % (width + 1))

/** In how many checks it is asked once for how many completions instances wait. */
const WAITS_EVERY = 8

class Simulation {
  private checks = 0
  private readonly store: Store
  private readonly elapse: (ms: number) => Effect.Effect<void>
  private readonly options: SimulationOptions
  private readonly id: string
  private readonly unrolled: Unrolled
  private readonly oracle: Oracle
  private readonly client: Actor = { worker: CLIENT, incarnation: undefined, work: new Set() }
  private actors: Array<Actor> = []
  /** Flexible workers that were invoked and have not begun. */
  private invoked: Array<Actor> = []
  /** Named workers that somebody was told to invoke. */
  private asked: Array<string> = []
  private readonly sent: Array<ReadonlyArray<Completion>> = []
  private readonly everKept = new Set<InstanceId>()
  private readonly heard: Array<Message> = []
  private at = 0
  private count = 0

  constructor(store: Store, elapse: (ms: number) => Effect.Effect<void>, options: SimulationOptions) {
    this.store = store
    this.elapse = elapse
    this.options = options
    this.id = `simulation-${options.seed}-${options.choices.length}`
    this.unrolled = unrolledOf(options)
    this.oracle = new Oracle({
      graph: options.graph,
      unrolled: this.unrolled,
      planned: (instance) => this.planned(instance),
      leaseMs: LEASE_MS,
      maxAttempts: options.maxAttempts
    })
  }

  run(): Step {
    const self = this
    return Effect.gen(function* () {
      yield* self.store.subscribe(self.id, CLIENT, (message) => void self.heard.push(message))
      yield* self.begin(false)
      yield* self.check()
      while (self.at < self.options.choices.length && self.oracle.status === "running") {
        yield* self.act()
        yield* self.check()
      }
      yield* self.workOn()
      yield* self.afterTheEnd()
    })
  }

  // What happens.

  private act(): Step {
    const kinds: ReadonlyArray<readonly [weight: number, action: () => Step]> = [
      [12, () => this.completeSome()],
      [8, () => this.handOff()],
      [8, () => this.startInvoked()],
      [5, () => this.startNamed()],
      [4, () => this.poll()],
      [3, () => this.leave()],
      [4, () => this.elapse([1, 150, 400, 700, LEASE_MS, LEASE_MS + 1][this.choose(6)]!)],
      [4, () => this.renewSome()],
      [2, () => this.abandonOne()],
      [3, () => this.repeat()],
      [2, () => this.keepLater()],
      [2, () => this.adoptAgain()],
      [1, () => this.begin(true)],
      [1, () => this.stop()]
    ]
    let left = this.choose(kinds.reduce((sum, [weight]) => sum + weight, 0))
    const [, action] = kinds.find(([weight]) => (left -= weight) < 0)!
    return action()
  }

  /** An actor completes one or several instances, in one call. */
  private completeSome(): Step {
    const actor = this.pick([this.client, ...this.actors].filter(({ work }) => work.size > 0))
    return actor === undefined ? Effect.void : this.completeBatch(actor, 1 + this.choose(4))
  }

  private completeBatch(actor: Actor, size: number): Step {
    const batch: Array<InstanceId> = []
    const chosen = new Set<InstanceId>()
    while (batch.length < size) {
      // What it was given, and what follows from the batch itself and is nobody's yet: a chain inside the worker.
      const following = this.unrolled.instances.filter(
        (instance) =>
          chosen.size > 0 &&
          !chosen.has(instance) &&
          !this.oracle.done.has(instance) &&
          !this.oracle.isHeld(instance) &&
          this.oracle.mayRun(instance, chosen)
      )
      const next = this.pick([...[...actor.work].filter((instance) => !chosen.has(instance)), ...following])
      if (next === undefined) break
      batch.push(next)
      chosen.add(next)
    }
    for (const instance of batch) actor.work.delete(instance)
    const completions = batch.map((instance, i) => this.completion(instance, new Set(batch.slice(i + 1))))
    this.sent.push(completions)
    return this.complete(actor, completions)
  }

  /** An actor gives work to a new worker. It may adopt in its name; else that is left to the new one. */
  private handOff(): Step {
    const actor = this.pick([this.client, ...this.actors].filter(({ work }) => work.size > 0))
    if (actor === undefined) return Effect.void
    const flexible = [...actor.work].filter((instance) => this.planned(instance) === undefined)
    const given = flexible.slice(0, 1 + this.choose(3))
    if (given.length === 0) return Effect.void
    for (const instance of given) actor.work.delete(instance)
    const as = this.choose(4) === 0 ? {} : { from: actor.worker }
    const worker: Actor = { worker: `w${++this.count}`, incarnation: undefined, work: new Set(given), as }
    this.invoked.push(worker)
    return this.choose(2) === 0 ? Effect.void : Effect.asVoid(this.adopt(worker.worker, given, as))
  }

  /** An invocation arrives, is lost, or arrives twice: under its name, or as somebody else. */
  private startInvoked(): Step {
    const worker = this.pick(this.invoked)
    if (worker === undefined) return Effect.void
    const fate = this.choose(8)
    if (fate !== 0) this.invoked = this.invoked.filter((one) => one !== worker)
    if (fate === 1) return Effect.void
    const name = fate === 0 && this.choose(2) === 0 ? `w${++this.count}` : worker.worker
    return this.start({ ...worker, worker: name, work: new Set(worker.work) })
  }

  /** A worker begins. One that does not say so may run what it was refused, too. */
  private start({ as, ...actor }: Actor): Step {
    const tells = this.choose(4) > 0
    const begun = { ...actor, as: tells ? { ...as, incarnation: `i${++this.count}` } : { ...as } }
    this.actors.push(begun)
    return Effect.map(this.adopt(actor.worker, [...actor.work], begun.as), ({ refused }) => {
      if (tells) for (const instance of refused) actor.work.delete(instance)
    })
  }

  /** A worker adopts again: the answer was lost, or it wants to know whether it was overtaken. */
  private adoptAgain(): Step {
    const actor = this.pick(this.actors.filter(({ work }) => work.size > 0))
    return actor === undefined
      ? Effect.void
      : Effect.asVoid(this.adopt(actor.worker, [...actor.work], actor.as))
  }

  /** Somebody who was asked to invoke a named worker does so; now and then nobody, or somebody who was not. */
  private startNamed(): Step {
    const fate = this.choose(8)
    const worker = fate === 0 ? this.pick(this.names()) : this.pick(this.asked)
    if (worker === undefined) return Effect.void
    this.asked = this.asked.filter((one) => one !== worker)
    if (fate === 1) return Effect.void
    return this.attach({ worker, incarnation: `${worker}-${++this.count}`, work: new Set() })
  }

  /** A named worker asks what became ready for it. */
  private poll(): Step {
    const actor = this.pick(this.actors)
    return actor === undefined ? Effect.void : this.complete(actor, [])
  }

  private leave(): Step {
    const actor = this.pick(this.actors.filter(({ incarnation }) => incarnation !== undefined))
    return actor === undefined ? Effect.void : this.detach(actor)
  }

  private renewSome(): Step {
    const workers = this.actors.map(({ worker }) => worker).filter(() => this.choose(3) > 0)
    const taker = this.choose(3) > 0 ? this.client : (this.pick(this.actors) ?? this.client)
    return this.renew(workers, taker)
  }

  /** Somebody sees that a worker is gone. Sometimes that is not true. */
  private abandonOne(): Step {
    const actor = this.pick(this.actors)
    if (actor === undefined) return Effect.void
    if (this.choose(3) > 0) this.actors = this.actors.filter((one) => one !== actor)
    const workers = [actor.worker, ...(this.choose(4) === 0 ? this.names().slice(0, 1) : [])]
    return Effect.flatMap(this.store.abandon(this.id, workers, CLIENT, "its process died"), (reply) => {
      this.oracle.abandon(workers, CLIENT, reply)
      return this.take(this.client, reply)
    })
  }

  /** Completions come again: from their sender, or from whoever ran the same. */
  private repeat(): Step {
    const completions = this.pick(this.sent)
    const actor = this.pick([this.client, ...this.actors])
    return completions === undefined || actor === undefined ? Effect.void : this.complete(actor, completions)
  }

  /** A value that its worker had kept to itself is stored after all. */
  private keepLater(): Step {
    const value = this.pick([...this.oracle.done].filter((one) => !this.oracle.isKept(one)))
    if (value === undefined) return Effect.void
    const keep: ReadonlyArray<Kept> = [this.kept(value, this.oracle.readersLeft(value))]
    const worker = this.pick(this.actors)?.worker ?? "w0"
    return Effect.map(this.store.keep(this.id, worker, keep), (reply) =>
      this.oracle.keep(worker, keep, reply)
    )
  }

  private stop(): Step {
    if (!this.options.mayStop) return Effect.void
    if (this.choose(2) === 0) {
      this.oracle.cancel()
      return this.store.cancel(this.id, "enough")
    }
    this.oracle.fail()
    return this.store.fail(this.id, { instance: 0, kind: "error", worker: "w0", attempts: 1, message: "no" })
  }

  /** From here on nobody is lost, and everything must come to its end. */
  private workOn(): Step {
    const self = this
    return Effect.gen(function* () {
      for (let round = 0; self.oracle.status === "running"; round++) {
        if (round > 20 * self.unrolled.instances.length + 100)
          throw new Broken("liveness", `nothing goes on; complete are ${[...self.oracle.done].join(" ")}`)
        const before = self.oracle.done.size
        for (const worker of self.invoked.splice(0)) yield* self.start(worker)
        for (const worker of self.asked.splice(0))
          yield* self.attach({ worker, incarnation: `${worker}-${++self.count}`, work: new Set() })
        yield* self.check()
        for (const actor of [self.client, ...self.actors]) {
          if (actor.incarnation !== undefined) yield* self.complete(actor, [])
          while (actor.work.size > 0 && self.oracle.status === "running") {
            yield* self.completeBatch(actor, 3)
            yield* self.check()
          }
        }
        if (self.oracle.done.size > before) continue
        for (const actor of [...self.actors]) if (actor.incarnation !== undefined) yield* self.detach(actor)
        yield* self.elapse(LEASE_MS + 1)
        yield* self.renew([], self.client)
        yield* self.check()
      }
    })
  }

  private afterTheEnd(): Step {
    const self = this
    return Effect.gen(function* () {
      yield* self.check()
      const { targets } = self.unrolled
      const { status } = self.oracle
      if (status === "succeeded" && !targets.every((target) => self.oracle.done.has(target)))
        throw new Broken("I8", "the run has succeeded without its targets")
      for (let i = 0; i < 3; i++) yield* self.repeat()
      for (const actor of self.actors)
        yield* actor.incarnation === undefined ? self.complete(actor, []) : self.detach(actor)
      yield* self.adopt("late", self.unrolled.instances.slice(0, 2))
      yield* self.attach({ worker: "late", incarnation: "late", work: new Set() })
      yield* self.renew(["late"], self.client)
      yield* self.check()
      const usage = yield* self.store.usage
      if (usage !== self.oracle.left)
        throw new Broken("I8", `${usage} entries are left, not ${self.oracle.left}`)
      self.checkHeard()
      yield* self.store.remove(self.id)
      const left = yield* self.store.usage
      if (left !== 0) throw new Broken("I8", `${left} entries are left of a run that was removed`)
    })
  }

  /** I7: messages said what the state says. */
  private checkHeard() {
    const ends = this.heard.flatMap((message) => (message.type === "ended" ? [message.status] : []))
    const told = this.heard.flatMap((message) =>
      message.type === "completed" ? message.completions.map(({ instance }) => instance) : []
    )
    if (ends.join() !== this.oracle.status) throw new Broken("I7", `the end was told as "${ends.join()}"`)
    if (told.length !== this.oracle.done.size || !told.every((instance) => this.oracle.done.has(instance)))
      throw new Broken("I7", `other completions were told than there were: ${told.join(" ")}`)
  }

  // Calls, each compared with what must be answered.

  private begin(again: boolean): Step {
    const { graph, maxAttempts } = this.options
    const spec = {
      run: this.id,
      workflow: graph.columns.name,
      document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
      ready: Flow.initial(graph).map((instance) => ({ instance, worker: this.planned(instance) })),
      targets: this.unrolled.targets,
      instances: 0,
      leaseMs: LEASE_MS,
      maxAttempts
    }
    return Effect.flatMap(this.store.begin(spec, CLIENT), (reply) => {
      this.oracle.begin(reply, again)
      return this.take(this.client, reply)
    })
  }

  private complete(actor: Actor, completions: ReadonlyArray<Completion>): Step {
    return Effect.flatMap(this.store.complete(this.id, actor.worker, completions), (reply) => {
      this.oracle.complete(actor.worker, completions, reply)
      return this.take(actor, reply)
    })
  }

  private adopt(worker: string, instances: ReadonlyArray<InstanceId>, as: Adopting = {}) {
    return Effect.tap(this.store.adopt(this.id, worker, instances, as.incarnation, as.from), (reply) =>
      Effect.sync(() => this.oracle.adopt(worker, instances, as, reply))
    )
  }

  private renew(workers: ReadonlyArray<string>, taker: Actor): Step {
    return Effect.flatMap(this.store.renew(this.id, workers, taker.worker), (reply) => {
      this.oracle.renew(workers, taker.worker, reply)
      return this.take(taker, reply)
    })
  }

  private attach(actor: Actor): Step {
    return Effect.gen({ self: this }, function* () {
      const reply = yield* this.store.attach(this.id, actor.worker, actor.incarnation!)
      // What time it is, from a call that changes nothing.
      const { now } = reply ?? (yield* this.store.adopt(this.id, "nobody", []))
      this.oracle.attach(actor.worker, actor.incarnation!, now, reply)
      if (reply === undefined) return
      this.actors.push(actor)
      yield* this.take(actor, reply)
    })
  }

  private detach(actor: Actor): Step {
    return Effect.flatMap(this.store.detach(this.id, actor.worker, actor.incarnation!), (reply) => {
      this.oracle.detach(actor.worker, actor.incarnation!, reply)
      if (reply.ready.length === 0) this.actors = this.actors.filter((one) => one !== actor)
      return this.take(actor, reply)
    })
  }

  private take(actor: Actor, reply: Reply): Step {
    for (const { instance } of reply.ready) actor.work.add(instance)
    this.asked.push(...reply.invoke)
    return Effect.void
  }

  private check(): Step {
    return Effect.gen({ self: this }, function* () {
      const instances = [...this.everKept]
      const values = yield* this.store.read(this.id, instances)
      const state = yield* this.store.state(this.id)
      this.oracle.check(state, new Map(instances.map((instance, i) => [instance, values[i]])))
      // Of all instances: not each time, which would take longer than all else.
      if (this.checks++ % WAITS_EVERY !== 0) return
      const waits = yield* this.store.waits(this.id, this.unrolled.instances)
      this.unrolled.instances.forEach((instance, i) => {
        if (waits[i] !== undefined && this.oracle.done.has(instance))
          throw new Broken("I2", `${instance} is complete, and waits for ${waits[i]} completions`)
      })
    })
  }

  // What a worker would say.

  private completion(instance: InstanceId, later: ReadonlySet<InstanceId>): Completion {
    const { graph, seed } = this.options
    const id = Instance.nodeOf(instance)
    const width = this.width(instance)
    const keep: Array<Kept> = []
    const add = (value: InstanceId) => {
      keep.push(this.kept(value, Flow.readersOf(graph, Instance.nodeOf(value))))
    }
    // One value in eight stays in its worker's memory. A target's does not.
    if (graph.targets.has(id) || hash(seed + 1, instance) % 8 > 0) add(instance)
    const scope = graph.columns.scopes.find(({ expand }) => expand === id)
    if (scope?.item !== undefined) {
      for (let k = 0; k < width; k++) add(Instance.make(scope.item, [...Instance.indicesOf(instance), k]))
    }
    const steps = Flow.steps(graph, instance, width)
      .filter((step) => !later.has(step.instance))
      .map((step): PlannedStep => ({ ...step, worker: this.planned(step.instance) }))
    return {
      instance,
      keep,
      steps,
      releases: Flow.releases(graph, instance, width),
      added: 0,
      measure: { startedAt: 0, inputsMs: 0, executionMs: 0, inputBytes: 0, outputBytes: 0, tries: 1 }
    }
  }

  private kept(instance: InstanceId, readers: number): Kept {
    this.everKept.add(instance)
    const value = hash(this.options.seed + 2, instance) % 3 === 0 ? "object" : Uint8Array.of(1)
    return { instance, readers, value }
  }

  /** The length of the list that an expand, gate or collect has to do with. */
  private width(instance: InstanceId): number {
    const { graph } = this.options
    const id = Instance.nodeOf(instance)
    const kind = graph.kind(id)
    if (kind === "expand") return this.unrolled.widthOf(instance)
    if (kind !== "gate" && kind !== "collect") return 0
    const { node } = graph.columns.args[id]![0] as Graph.Ref
    return this.unrolled.widthOf(Instance.make(node, Instance.indicesOf(instance)))
  }

  private names(): ReadonlyArray<string> {
    return Array.from({ length: this.options.named }, (_, i) => `n${i}`)
  }

  /** About half of the nodes have a worker, if there are any. */
  private planned(instance: InstanceId): string | undefined {
    const { named, seed } = this.options
    return named === 0 ? undefined : this.names()[hash(seed + 3, Instance.nodeOf(instance)) % (2 * named)]
  }

  // Chance.

  private choose(count: number): number {
    return (this.options.choices[this.at++] ?? 0) % count
  }

  private pick<A>(items: ReadonlyArray<A>): A | undefined {
    return items.length === 0 ? undefined : items[this.choose(items.length)]
  }
}
