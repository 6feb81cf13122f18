// Which environment serves an invocation, when there is another one, and when there is none.
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ok, update, virtual } from "./virtual.ts"

const flipped = <A>(effect: Effect.Effect<A, unknown>) =>
  Effect.map(
    Effect.flip(effect),
    (error) => error as { readonly code: string; readonly reason?: string; readonly message: string }
  )

/** A handler that answers when it is let. */
const held = Effect.map(Deferred.make<void>(), (gate) => ({
  handler: () => Effect.as(Deferred.await(gate), ok),
  release: Deferred.succeed(gate, undefined)
}))

describe("environments", () => {
  it.effect("serve one invocation at a time, and the next one after it", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const { create, environments, invoke } = yield* virtual()
      yield* create("f", handler)
      const fibers = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(invoke("f"), { startImmediately: true })
      )
      assert.deepStrictEqual(
        environments.map(({ requests }) => requests.length),
        [1, 1, 1]
      )
      yield* release
      yield* Effect.forEach(fibers, Fiber.join)
      yield* invoke("f")
      assert.strictEqual(environments.length, 3)
    })
  )

  it.effect("that were used last are used first", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const { create, environments, invoke } = yield* virtual()
      yield* create("f", handler)
      const fibers = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(invoke("f"), { startImmediately: true })
      )
      yield* release
      yield* Effect.forEach(fibers, Fiber.join)
      for (let i = 0; i < 5; i++) yield* invoke("f")
      assert.deepStrictEqual(environments.map(({ requests }) => requests.length).sort(), [1, 6])
    })
  )

  it.effect("end when they had nothing to do for as long as is set", () =>
    Effect.gen(function* () {
      const { create, environments, invoke, service } = yield* virtual({ idleMs: 60_000 })
      yield* create("f")
      yield* invoke("f")
      yield* TestClock.adjust(40_000)
      yield* invoke("f")
      yield* TestClock.adjust(59_999)
      assert.strictEqual(environments[0]!.isEnded, false)
      yield* TestClock.adjust(1)
      assert.strictEqual(environments[0]!.isEnded, true)
      yield* invoke("f")
      assert.strictEqual(environments.length, 2)
      assert.strictEqual(service.recorder.report().totals.mostEnvironments, 1)
    })
  )

  it.effect("do not end while they serve, however long that takes", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const { create, environments, invoke } = yield* virtual({ idleMs: 1000 })
      yield* create("f", handler)
      const fiber = yield* Effect.forkChild(invoke("f"), { startImmediately: true })
      yield* TestClock.adjust(10_000)
      assert.strictEqual(environments[0]!.isEnded, false)
      yield* release
      yield* Fiber.join(fiber)
      yield* TestClock.adjust(999)
      assert.strictEqual(environments[0]!.isEnded, false)
    })
  )

  it.effect("that have ended by themselves are not used again", () =>
    Effect.gen(function* () {
      const { create, environments, invoke } = yield* virtual()
      yield* create("f")
      yield* invoke("f")
      yield* environments[0]!.die
      yield* invoke("f")
      assert.strictEqual(environments.length, 2)
    })
  )

  it.effect("have the code and the settings of their version", () =>
    Effect.gen(function* () {
      const { create, environments, invoke, service } = yield* virtual({
        region: "eu-west-1",
        coldStart: { ms: 70 },
        variables: { FOR_ALL: "1" }
      })
      service.url = "http://here"
      yield* create("f")
      yield* invoke("f")
      const { settings } = environments[0]!
      assert.deepInclude(settings, {
        functionName: "f",
        version: "$LATEST",
        arn: "arn:aws:lambda:eu-west-1:000000000000:function:f",
        region: "eu-west-1",
        handler: "index.handler",
        codeFolder: "/nowhere/x",
        memoryMiB: 128,
        timeoutMs: 3000,
        coldStartMs: 70
      })
      assert.deepInclude(settings.variables, { FOR_ALL: "1", AWS_ENDPOINT_URL_LAMBDA: "http://here" })
    })
  )
})

describe("after an update", () => {
  it.effect("the old environments end, and who comes then gets the new code", () =>
    Effect.gen(function* () {
      const service = yield* virtual()
      const { create, environments, invoke } = service
      yield* create("f")
      yield* invoke("f")
      update(service, "f")
      yield* Effect.yieldNow
      assert.strictEqual(environments[0]!.isEnded, true)
      yield* invoke("f")
      assert.strictEqual(environments.length, 2)
    })
  )

  it.effect("an invocation under way is not disturbed, and its environment ends after it", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const service = yield* virtual()
      const { create, environments, invoke } = service
      yield* create("f", handler)
      const fiber = yield* Effect.forkChild(invoke("f"), { startImmediately: true })
      update(service, "f")
      assert.strictEqual(environments[0]!.isEnded, false)
      yield* release
      const { outcome } = yield* Fiber.join(fiber)
      assert.strictEqual(outcome, ok)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(environments[0]!.isEnded, true)
    })
  )

  it.effect("versions that were published keep their environments; removal ends all", () =>
    Effect.gen(function* () {
      const service = yield* virtual()
      const { create, environments, invoke } = service
      const fn = yield* create("f")
      service.service.registry.publish(fn, undefined)
      yield* invoke("f:1")
      update(service, "f")
      yield* invoke("f:1")
      assert.strictEqual(environments.length, 1)
      service.service.registry.remove(fn)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(environments[0]!.isEnded, true)
    })
  )
})

describe("concurrency", () => {
  it.effect("is limited for the account, and free again afterwards", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const { create, invoke, service } = yield* virtual({ concurrency: 2 })
      yield* create("a", handler)
      yield* create("b", handler)
      const fibers = yield* Effect.forEach(["a", "b"], (name) =>
        Effect.forkChild(invoke(name), { startImmediately: true })
      )
      const error = yield* flipped(invoke("a"))
      assert.deepInclude(error, {
        code: "TooManyRequestsException",
        reason: "ConcurrentInvocationLimitExceeded",
        message: "Rate Exceeded."
      })
      yield* release
      yield* Effect.forEach(fibers, Fiber.join)
      yield* invoke("a")
      assert.strictEqual(service.recorder.report().totals.throttles, 1)
    })
  )

  it.effect("that is reserved is a function's limit, and not for others", () =>
    Effect.gen(function* () {
      const { handler, release } = yield* held
      const { create, invoke } = yield* virtual({ concurrency: 3 })
      const a = yield* create("a", handler)
      yield* create("b", handler)
      a.reserved = 2
      const fibers = yield* Effect.forEach(["a", "a", "b"], (name) =>
        Effect.forkChild(invoke(name), { startImmediately: true })
      )
      assert.deepInclude(yield* flipped(invoke("a")), {
        reason: "ReservedFunctionConcurrentInvocationLimitExceeded"
      })
      assert.deepInclude(yield* flipped(invoke("b")), { reason: "ConcurrentInvocationLimitExceeded" })
      yield* release
      yield* Effect.forEach(fibers, Fiber.join)
    })
  )

  it.effect("is not used up by environments that cannot be started", () =>
    Effect.gen(function* () {
      const service = yield* virtual({ concurrency: 1 })
      yield* service.create("f")
      service.startFails = true
      assert.deepInclude(yield* flipped(service.invoke("f")), {
        code: "ServiceException",
        message: "No environment for f: no more processes"
      })
      service.startFails = false
      assert.strictEqual((yield* service.invoke("f")).outcome, ok)
    })
  )
})

it.effect("all environments end with the service", () =>
  Effect.gen(function* () {
    const environments = yield* Effect.scoped(
      Effect.gen(function* () {
        const { create, environments, invoke } = yield* virtual()
        yield* create("f", () => Effect.never)
        yield* create("g")
        yield* Effect.forkChild(invoke("f"), { startImmediately: true })
        yield* invoke("g")
        return environments
      })
    )
    assert.deepStrictEqual(
      environments.map(({ isEnded }) => isEnded),
      [true, true]
    )
  })
)

it.effect("what comes while the service is being closed starts nothing", () =>
  Effect.gen(function* () {
    const { create, environments, invoke, service } = yield* virtual()
    yield* create("f")
    yield* invoke("f")
    yield* service.dispatcher.end
    assert.deepInclude(yield* flipped(invoke("f")), { code: "ServiceException" })
    assert.strictEqual(environments.length, 1)
  })
)
