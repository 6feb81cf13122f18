/** What the suite's tests are written with: a run of its own for each, short ways to say what is complete, and claims. */
import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { assert, type Vitest } from "@effect/vitest"
import type { Failure, InstanceId } from "@weft/core"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  CLIENT,
  type Completion,
  Coordination,
  type Kept,
  type Measure,
  type Message,
  type PlannedStep,
  type Reply,
  type RunSpec,
  type RunState,
  type RunStatus,
  type StoredValue
} from "../Coordination.ts"
import type { StoreError } from "../StoreError.ts"
import type { CoordinationCapabilities, Skipped } from "./Capabilities.ts"

/** `it` with the store at hand. */
export type It = Vitest.MethodsNonLive<Coordination>

type TestOptions = Exclude<Parameters<It["effect"]>[2], number | undefined>

type Body = Effect.Effect<void, StoreError, Coordination | Scope.Scope>

/** Registers tests, leaving out what the store under test cannot do. */
export class Kit {
  private readonly it: It
  private readonly capabilities: CoordinationCapabilities

  constructor(it: It, capabilities: CoordinationCapabilities) {
    this.it = it
    this.capabilities = capabilities
  }

  test(name: string, body: () => Body): void {
    this.it.effect(name, body)
  }

  /** A test that lets time pass. */
  timed(name: string, body: (time: Time) => Body): void {
    const { time } = this.capabilities
    this.unless(
      time,
      name,
      () => body("skipped" in time ? { leaseMs: 0, silence: Effect.void, pause: Effect.void } : timeOf(time)),
      { concurrent: "passes" in time && time.passes === true }
    )
  }

  /** A test that counts what is kept. */
  counted(name: string, body: () => Body): void {
    this.unless(this.capabilities.usage, name, body)
  }

  /** A test that needs messages to arrive. */
  notified(name: string, body: () => Body): void {
    this.unless(this.capabilities.messages, name, body)
  }

  private unless(capability: object | true, name: string, body: () => Body, options: TestOptions = {}) {
    if (capability === true || !("skipped" in capability)) this.it.effect(name, body, options)
    else this.it.effect.skip(`${name} (skipped: ${(capability as Skipped).skipped})`, body)
  }
}

/** Time, as tests use it. */
export interface Time {
  readonly leaseMs: number
  /** Longer than a lease. */
  readonly silence: Effect.Effect<void>
  /** Two fit into a lease, three do not. */
  readonly pause: Effect.Effect<void>
}

const timeOf = ({ elapse, leaseMs }: Exclude<CoordinationCapabilities["time"], Skipped>): Time => ({
  leaseMs,
  silence: elapse(leaseMs + Math.max(10, leaseMs / 5)),
  pause: elapse(Math.floor(leaseMs * 0.36))
})

/** A lease that does not run out during a test. */
const LONG_MS = 600_000

export const MEASURE: Measure = {
  startedAt: 1_700_000_000_123,
  inputsMs: 1.5,
  executionMs: 20.25,
  inputBytes: 1024,
  outputBytes: 8,
  tries: 1
}

/** One run of one test. Its operations are those of `Coordination`. */
export class TestRun {
  readonly id: string
  readonly begun: Reply
  private readonly coordination: Coordination["Service"]
  readonly spec: RunSpec

  constructor(coordination: Coordination["Service"], spec: RunSpec, begun: Reply) {
    this.coordination = coordination
    this.spec = spec
    this.id = spec.run
    this.begun = begun
  }

  begin(worker: string) {
    return this.coordination.begin(this.spec, worker)
  }
  complete(worker: string, ...completions: ReadonlyArray<Completion>) {
    return this.coordination.complete(this.id, worker, completions)
  }
  keep(worker: string, ...values: ReadonlyArray<Kept>) {
    return this.coordination.keep(this.id, worker, values)
  }
  /** Somebody makes a worker the holder in its name. */
  adopt(worker: string, ...instances: ReadonlyArray<InstanceId>) {
    return this.coordination.adopt(this.id, worker, instances)
  }
  /** A worker begins, or takes what another hands to it. */
  adoptAs(
    {
      from,
      incarnation,
      worker
    }: { readonly worker: string; readonly incarnation?: string; readonly from?: string },
    ...instances: ReadonlyArray<InstanceId>
  ) {
    return this.coordination.adopt(this.id, worker, instances, incarnation, from)
  }
  /** A worker begins. */
  start(worker: string, ...instances: ReadonlyArray<InstanceId>) {
    return this.adoptAs({ worker, incarnation: "a" }, ...instances)
  }
  renew(workers: ReadonlyArray<string>, taker?: string) {
    return this.coordination.renew(this.id, workers, taker)
  }
  attach(worker: string, incarnation: string) {
    return this.coordination.attach(this.id, worker, incarnation)
  }
  detach(worker: string, incarnation: string) {
    return this.coordination.detach(this.id, worker, incarnation)
  }
  abandon(workers: ReadonlyArray<string>, taker: string, reason = "its process died") {
    return this.coordination.abandon(this.id, workers, taker, reason)
  }
  fail(failure: Failure.Failure) {
    return this.coordination.fail(this.id, failure)
  }
  cancel(reason: string) {
    return this.coordination.cancel(this.id, reason)
  }
  read(...instances: ReadonlyArray<InstanceId>) {
    return this.coordination.read(this.id, instances)
  }
  waits(...instances: ReadonlyArray<InstanceId>) {
    return this.coordination.waits(this.id, instances)
  }
  get load() {
    return this.coordination.load(this.id)
  }
  get state(): Effect.Effect<RunState, StoreError> {
    return this.coordination.state(this.id)
  }
  /** The state, but for when somebody last spoke. */
  get lasting(): Effect.Effect<Omit<RunState, "heardAt">, StoreError> {
    return Effect.map(this.state, ({ heardAt: _, ...lasting }) => lasting)
  }
  get remove() {
    return this.coordination.remove(this.id)
  }
  publish(channel: string, message: Message) {
    return this.coordination.publish(this.id, channel, message)
  }
  /** What arrives on a channel from now on, until the test's scope closes. */
  listen(channel: string = CLIENT): Effect.Effect<Array<Message>, StoreError, Scope.Scope> {
    const heard: Array<Message> = []
    return Effect.as(
      this.coordination.subscribe(this.id, channel, (message) => void heard.push(message)),
      heard
    )
  }
}

let number = 0

/** Begins a run; it is removed when the test's scope closes. By default instance 0 is ready and 99 the target. */
export const beginRun = (
  spec: Partial<RunSpec> = {}
): Effect.Effect<TestRun, StoreError, Coordination | Scope.Scope> =>
  Effect.gen(function* () {
    const coordination = yield* Coordination
    const whole: RunSpec = {
      run: `conformance-${++number}-${randomUUID()}`,
      workflow: "conformance",
      document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
      ready: [{ instance: 0 }],
      targets: [99],
      instances: 100,
      leaseMs: LONG_MS,
      maxAttempts: 3,
      ...spec
    }
    yield* Effect.addFinalizer(() => Effect.orDie(coordination.remove(whole.run)))
    const begun = yield* coordination.begin(whole, "client")
    return new TestRun(coordination, whole, begun)
  })

/** How many entries are kept. */
export const usage: Effect.Effect<number, StoreError, Coordination> = Coordination.use(({ usage }) => usage)

/** The completion of an instance. */
export const done = (instance: InstanceId, more: Partial<Completion> = {}): Completion => ({
  instance,
  keep: [],
  steps: [],
  releases: [],
  added: 0,
  measure: MEASURE,
  ...more
})

/** A step towards an instance that waits for `need` completions. */
export const to = (instance: InstanceId, need = 1, more: Partial<PlannedStep> = {}): PlannedStep => ({
  instance,
  need,
  delta: -1,
  ...more
})

/** The completion of an instance that is the only parent of others. */
export const leadsTo = (instance: InstanceId, ...children: ReadonlyArray<InstanceId>): Completion =>
  done(instance, { steps: children.map((child) => to(child)) })

/** A value to keep, inline unless said otherwise. */
export const kept = (
  instance: InstanceId,
  readers: number,
  value: StoredValue = bytesOf(instance)
): Kept => ({
  instance,
  readers,
  value
})

/** Bytes that tell instances apart. */
export const bytesOf = (instance: InstanceId): Uint8Array => new TextEncoder().encode(`value of ${instance}`)

/** One reader less for each value. */
export const reads = (...values: ReadonlyArray<InstanceId>): Completion["releases"] =>
  values.map((value) => ({ value, delta: -1 }))

/** The completion of the target that `beginRun` gives a run by default. */
export const target: Completion = done(99, { keep: [kept(99, 1)] })

/** What a reply must say; what is left out must be empty, the status `running`. */
export interface Expected {
  readonly status?: RunStatus
  /** An instance, with its attempt if it is not the first. In any order. */
  readonly ready?: ReadonlyArray<InstanceId | readonly [InstanceId, attempt: number]>
  readonly invoke?: ReadonlyArray<string>
  readonly refused?: ReadonlyArray<InstanceId>
  readonly dropped?: ReadonlyArray<InstanceId>
}

const byText = (a: unknown, b: unknown) => (String(a) < String(b) ? -1 : 1)

/** Claims what a reply says. */
export const assertReply = (reply: Reply | undefined, expected: Expected): void => {
  assert.isDefined(reply, "there is a reply")
  const { dropped, invoke, ready, refused, status } = reply
  assert.deepStrictEqual(
    {
      status,
      ready: ready.map(({ attempt, instance }) => [instance, attempt]).sort(byText),
      invoke: invoke.toSorted(byText),
      refused: refused.toSorted(byText),
      dropped: dropped.toSorted(byText)
    },
    {
      status: expected.status ?? "running",
      ready: (expected.ready ?? [])
        .map((one) => (typeof one === "object" ? [...one] : [one, 1]))
        .sort(byText),
      invoke: (expected.invoke ?? []).toSorted(byText),
      refused: (expected.refused ?? []).toSorted(byText),
      dropped: (expected.dropped ?? []).toSorted(byText)
    }
  )
}

/** Claims which values can be read. */
export const assertValues = (
  run: TestRun,
  expected: ReadonlyArray<readonly [InstanceId, StoredValue | undefined]>
): Effect.Effect<void, StoreError> =>
  Effect.map(run.read(...expected.map(([instance]) => instance)), (values) =>
    assert.deepStrictEqual(
      values.map((value, i) => [expected[i]?.[0], plain(value)]),
      expected.map(([instance, value]) => [instance, plain(value)])
    )
  )

/** Stores may answer with subclasses of `Uint8Array`. */
const plain = (value: StoredValue | undefined) =>
  value instanceof Uint8Array ? Uint8Array.from(value) : value

/** Claims that a message arrives, waiting for it in real time, whatever the test's clock says. */
export const assertHeard = (
  heard: ReadonlyArray<Message>,
  what: string,
  wanted: (message: Message) => boolean
): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let i = 0; i < 200 && !heard.some(wanted); i++) await setTimeout(5)
    assert.isTrue(heard.some(wanted), `heard of ${what}, only got ${JSON.stringify(heard)}`)
  })
