// What a worker does when calls fail, invocations come twice, and others have taken over.
import { assert, describe, it } from "@effect/vitest"
import { Flow, type InstanceId, task } from "@weft/core"
import {
  CLIENT,
  Coordination,
  CoordinationMemory,
  type Message,
  ObjectStore,
  StoreError
} from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import type { Invocation } from "../src/Invocation.ts"
import { Host, type Invoker, type RunContext, valueKey, Worker } from "../src/index.ts"
import { contextOf } from "./context.ts"

const RUN = "run"
const LEASE_MS = 1000

const host = Host.of({ idle: (waiting) => waiting, guard: () => () => {} })
const nobody: Invoker = {
  parallelism: 1,
  fanOut: 10,
  idleMs: 50,
  payloadBytes: 1000,
  worthMs: 0,
  invoke: () => Effect.void
}
const stores = Effect.provide(Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory))
const away = new StoreError({ reason: "unavailable", operation: "complete", detail: "the answer was lost" })

const begin = Effect.fnUntraced(function* ({ graph, plan }: RunContext) {
  const coordination = yield* Coordination
  return yield* coordination.begin(
    {
      run: RUN,
      workflow: "test",
      document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
      ready: Flow.initial(graph).map((instance) => ({ instance, worker: plan.nodes.get(instance)?.worker })),
      targets: [...graph.targets],
      instances: graph.size,
      leaseMs: LEASE_MS,
      maxAttempts: 3
    },
    CLIENT
  )
})

const invocation = (worker: string, work: ReadonlyArray<InstanceId>, named = false): Invocation => ({
  run: RUN,
  worker,
  named,
  work: work.map((instance) => ({ instance, attempt: 1 })),
  values: [],
  spawn: []
})

const work = (context: RunContext, one: Invocation) =>
  Effect.provideService(Worker.run(context, one, nobody), Host, host)

/** What another worker says when it has completed an instance. */
const completed = (instance: InstanceId, width = 0) => ({
  instance,
  keep: [],
  steps: [],
  releases: [],
  added: width,
  measure: { startedAt: 0, inputsMs: 0, executionMs: 0, inputBytes: 0, outputBytes: 0, tries: 1 }
})

describe("a flexible worker", () => {
  const ran: Array<number> = []
  const noted = task("noted", (n: number) => {
    ran.push(n)
    return n
  })

  it.effect("adopts its work itself, unless somebody has, and does not run what is complete", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      const context = contextOf([noted(10), noted(11), noted(12)])
      yield* begin(context)
      yield* real.complete(RUN, "other", [completed(1)])
      const adopted: Array<ReadonlyArray<InstanceId>> = []
      const store: Coordination["Service"] = {
        ...real,
        adopt: (run, worker, instances, ...as) => {
          adopted.push(instances)
          return real.adopt(run, worker, instances, ...as)
        }
      }
      const run = (one: Invocation) => Effect.provideService(work(context, one), Coordination, store)
      yield* run(invocation("w", [0, 1]))
      assert.deepStrictEqual(adopted, [[0, 1]])
      assert.deepStrictEqual(ran, [10])
      yield* run({ ...invocation("v", [2]), adopted: true })
      assert.deepStrictEqual(adopted.length, 1)
      assert.deepStrictEqual(ran, [10, 12])
      assert.strictEqual((yield* real.state(RUN)).status, "succeeded")
      // The same invocation once more.
      yield* run(invocation("w", [0, 1]))
      assert.deepStrictEqual(ran, [10, 12])
    }).pipe(stores)
  )

  it.effect("does not compute inputs again that are gone since others have completed its work", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      ran.length = 0
      //  0 → 1 → 2, and 3 so that the run goes on
      const context = contextOf([noted(noted(noted(1))), noted(4)])
      yield* begin(context)
      for (const [instance, child] of [[0, 1] as const, [1, 2] as const]) {
        const steps = [{ instance: child, need: 1, delta: -1 }]
        yield* real.complete(RUN, "other", [{ ...completed(instance), steps }])
      }
      // Nobody has what 0 gave. 1 is complete and 2 is not.
      yield* work(context, { ...invocation("late", [1]), adopted: true })
      assert.deepStrictEqual(ran, [])
      yield* real.adopt(RUN, "w", [2], undefined, "other")
      yield* work(context, { ...invocation("w", [2]), adopted: true })
      assert.deepStrictEqual(ran, [1, 1, 1])
    }).pipe(stores)
  )
})

describe("a worker that was cut off", () => {
  const failing = task("failing", async (_: number): Promise<number> => {
    throw new Error("no network")
  })

  it.effect("does not fail a run with what another has completed meanwhile", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      const context = contextOf([failing(0), failing(1)])
      yield* begin(context)
      const store: Coordination["Service"] = {
        ...real,
        // Between its task's failure and its next call somebody else completes the same.
        adopt: (run, worker, instances, ...as) =>
          Effect.andThen(
            worker === "w" && instances.length === 1 && instances[0] === 0
              ? real.complete(run, "other", [completed(0)])
              : Effect.void,
            real.adopt(run, worker, instances, ...as)
          )
      }
      const run = (one: Invocation) => Effect.provideService(work(context, one), Coordination, store)
      yield* run({ ...invocation("w", [0]), adopted: true })
      assert.deepStrictEqual((yield* real.state(RUN)).failures, [])
      yield* run({ ...invocation("w", [1]), adopted: true })
      const { failures, status } = yield* real.state(RUN)
      assert.strictEqual(status, "failed")
      assert.deepStrictEqual(
        failures.map(({ instance, message }) => [instance, message]),
        [[1, "no network"]]
      )
    }).pipe(stores)
  )
})

describe("a named worker", () => {
  const plus = task("plus", (...numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0))

  it.effect("attaches again after an answer was lost, and so gets what that handed over", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      //  0 (n) and 1 (others) → 2 (n)
      const first = plus(1)
      const context = contextOf(plus(first, plus(2)), [
        [0, "n"],
        [2, "n"]
      ])
      yield* begin(context)
      const log: Array<string> = []
      const incarnations = new Set<string>()
      const store: Coordination["Service"] = {
        ...real,
        complete: (run, worker, completions) => {
          if (completions.length > 0 || log.includes("lost")) return real.complete(run, worker, completions)
          // Node 1 completes; then the answer that gives node 2 to this worker is lost.
          log.push("lost")
          return Effect.andThen(
            real.complete(run, "other", [
              {
                ...completed(1),
                keep: [{ instance: 1, value: new Uint8Array([2]), readers: 1 }],
                steps: [{ instance: 2, need: 2, delta: -1, worker: "n" }]
              }
            ]),
            Effect.andThen(real.complete(run, worker, []), Effect.fail(away))
          )
        },
        attach: (run, worker, incarnation) => {
          log.push("attach")
          incarnations.add(incarnation)
          return real.attach(run, worker, incarnation)
        },
        detach: (run, worker, incarnation) => {
          log.push("detach")
          return real.detach(run, worker, incarnation)
        }
      }
      const fiber = yield* Effect.forkChild(
        Effect.provideService(work(context, invocation("n", [], true)), Coordination, store)
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(log, ["attach", "lost", "attach"])
      assert.strictEqual(incarnations.size, 1)
      assert.strictEqual((yield* real.state(RUN)).status, "succeeded")
    }).pipe(stores)
  )

  it.effect("leaves when another incarnation has come while it could not be heard", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      const context = contextOf(plus(plus(1), plus(2)), [
        [0, "n"],
        [2, "n"]
      ])
      yield* begin(context)
      let cut: "not yet" | "now" | "over" = "not yet"
      const store: Coordination["Service"] = {
        ...real,
        complete: (run, worker, completions) =>
          Effect.suspend(() => {
            if (cut === "not yet" && completions.length === 0) cut = "now"
            return cut === "now" ? Effect.fail(away) : real.complete(run, worker, completions)
          }),
        detach: () => Effect.die(new Error("it is not there to leave"))
      }
      const fiber = yield* Effect.forkChild(
        Effect.provideService(work(context, invocation("n", [], true)), Coordination, store)
      )
      yield* TestClock.adjust(2 * LEASE_MS)
      assert.strictEqual(cut, "now")
      yield* real.attach(RUN, "n", "another")
      cut = "over"
      for (let i = 0; i < 6; i++) {
        yield* TestClock.adjust(LEASE_MS / 2)
        yield* real.renew(RUN, ["n"])
      }
      yield* Fiber.join(fiber)
    }).pipe(stores)
  )
})

describe("an object that coordination was not told of", () => {
  const large = task("large", (size: number) => "x".repeat(size))

  it.effect("goes with its worker if the run is gone by then, even if the worker is interrupted", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      const objects = yield* ObjectStore
      const context = contextOf(large(100_000))
      yield* begin(context)
      const store: Coordination["Service"] = { ...real, complete: () => Effect.never }
      const fiber = yield* Effect.forkChild(
        Effect.provideService(work(context, invocation("w", [0])), Coordination, store),
        { startImmediately: true }
      )
      yield* Effect.yieldNow
      assert.isDefined((yield* objects.get(RUN, [valueKey(0)]))[0])
      yield* real.remove(RUN)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* objects.usage, 0)
    }).pipe(stores)
  )

  it.effect("stays if the run is not gone: it may be the result", () =>
    Effect.gen(function* () {
      const real = yield* Coordination
      const objects = yield* ObjectStore
      const context = contextOf(large(100_000))
      yield* begin(context)
      const store: Coordination["Service"] = { ...real, complete: () => Effect.never }
      const slow = yield* Effect.forkChild(
        Effect.provideService(work(context, invocation("w", [0])), Coordination, store),
        { startImmediately: true }
      )
      yield* work(context, { ...invocation("v", [0]), from: "w" })
      yield* Fiber.interrupt(slow)
      assert.strictEqual((yield* real.state(RUN)).status, "succeeded")
      assert.isDefined((yield* objects.get(RUN, [valueKey(0)]))[0])
    }).pipe(stores)
  )
})

describe("an object store that is away", () => {
  const large = task("large", (bytes: number) => "x".repeat(bytes))
  const silent = new StoreError({
    reason: "unavailable",
    operation: "put an object",
    detail: "nobody answers"
  })

  /** Runs a worker whose value is stored there when the store is back, after `ms`. */
  const whileAway = Effect.fnUntraced(function* (ms: number) {
    const real = yield* Coordination
    const objects = yield* ObjectStore
    const context = contextOf(large(100_000))
    yield* begin(context)
    const told: Array<Message> = []
    yield* real.subscribe(RUN, CLIENT, (message) => void told.push(message))
    const store: ObjectStore["Service"] = {
      ...objects,
      put: (...args) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          now < ms ? Effect.fail(silent) : objects.put(...args)
        )
    }
    const fiber = yield* Effect.forkChild(
      Effect.provideService(work(context, invocation("w", [0])), ObjectStore, store),
      { startImmediately: true }
    )
    yield* TestClock.adjust(ms + 10_000)
    yield* Fiber.join(fiber)
    return { told, state: yield* real.state(RUN) }
  }, Effect.scoped)

  it.effect("is waited for, and people are told", () =>
    Effect.gen(function* () {
      const { state, told } = yield* whileAway(500_000)
      assert.strictEqual(state.status, "succeeded")
      assert.deepStrictEqual(
        told.filter(({ type }) => type === "unreachable" || type === "reachable"),
        [
          { type: "unreachable", worker: "w", detail: "nobody answers" },
          { type: "reachable", worker: "w" }
        ]
      )
    }).pipe(stores)
  )

  it.effect("is not worth a word if it is back soon", () =>
    Effect.gen(function* () {
      const { state, told } = yield* whileAway(500)
      assert.strictEqual(state.status, "succeeded")
      assert.deepStrictEqual(
        told.filter(({ type }) => type === "unreachable" || type === "reachable"),
        []
      )
    }).pipe(stores)
  )

  it.effect("for too long fails the run with what to do", () =>
    Effect.gen(function* () {
      const { failures, status } = (yield* whileAway(700_000)).state
      assert.strictEqual(status, "failed")
      assert.deepStrictEqual(
        failures.map(({ kind, message }) => [kind, message]),
        [["store", silent.message]]
      )
    }).pipe(stores)
  )
})
