// Asynchronous events are delivered, tried again and given up as AWS says: in virtual time, so with its own delays.
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { configureEvents, failure, ok, update, virtual } from "./virtual.ts"

/** A handler that notes when it was called, and answers with the outcomes in turn. */
const noting =
  (at: Array<number>, ...outcomes: ReadonlyArray<typeof ok>) =>
  () =>
    Effect.map(Clock.currentTimeMillis, (now) => outcomes[at.push(now) - 1] ?? outcomes.at(-1)!)

describe("an event that fails", () => {
  it.effect("is tried again after one minute and after two, with the same id", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const { create, environments, send, service } = yield* virtual()
      yield* create("f", noting(at, failure))
      yield* send("f", { a: 1 }, "event-1")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(at, [0, 60_000, 180_000])
      assert.deepStrictEqual(
        environments[0]!.requests.map(({ id }) => id),
        ["event-1", "event-1", "event-1"]
      )
      const { invocations, lost } = service.recorder.report()
      assert.deepStrictEqual(
        invocations.map(({ attempt, queuedMs, type }) => [attempt, queuedMs, type]),
        [
          [1, 0, "Event"],
          [2, 60_000, "Event"],
          [3, 120_000, "Event"]
        ]
      )
      assert.deepStrictEqual(lost, [{ requestId: "event-1", functionName: "f", reason: "RetriesExhausted" }])
    })
  )

  it.effect("is not tried again once it has succeeded", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const { create, send, service } = yield* virtual()
      yield* create("f", noting(at, failure, ok))
      yield* send("f")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(at, [0, 60_000])
      assert.deepStrictEqual(service.recorder.report().lost, [])
    })
  )

  it.effect("is tried as often as is configured", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const service = yield* virtual()
      yield* service.create("f", noting(at, failure))
      configureEvents(service, "f", { retries: 0 })
      yield* service.send("f")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(at, [0])
    })
  )

  it.effect("is given up when the next attempt would come too late", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const service = yield* virtual()
      yield* service.create("f", noting(at, failure))
      configureEvents(service, "f", { ageSeconds: 100 })
      yield* service.send("f")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(at, [0, 60_000])
      assert.strictEqual(service.service.recorder.report().lost[0]!.reason, "EventAgeExceeded")
    })
  )

  it.effect("is tried with what is deployed then", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const service = yield* virtual()
      yield* service.create("f", noting(at, failure, ok))
      yield* service.send("f")
      yield* TestClock.adjust(1000)
      update(service, "f")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(
        service.environments.map(({ requests }) => requests.length),
        [1, 1]
      )
    })
  )

  it.effect("is lost when its function is removed", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const { create, send, service } = yield* virtual()
      const fn = yield* create("f", noting(at, failure))
      yield* send("f")
      yield* TestClock.adjust(1000)
      service.registry.remove(fn)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(at.length, 1)
      assert.strictEqual(service.recorder.report().lost[0]!.reason, "deleted")
    })
  )
})

describe("an event that is throttled", () => {
  it.effect("waits twice as long each time, and none of that counts as an attempt", () =>
    Effect.gen(function* () {
      const { create, send, service } = yield* virtual({ concurrency: 1 })
      yield* create("busy", () => Effect.as(Effect.sleep(10_000), ok))
      yield* create("f")
      yield* send("busy")
      yield* TestClock.adjust(1)
      yield* send("f")
      yield* TestClock.adjust("1 minute")
      const [, record] = service.recorder.report().invocations
      assert.strictEqual(record!.attempt, 1)
      // After about 1, 2, 4 and 8 seconds, each a fifth more or less.
      assert.isAtLeast(record!.queuedMs, 12_000)
      assert.isAtMost(record!.queuedMs, 18_000)
      assert.strictEqual(service.recorder.report().totals.throttles, 4)
    })
  )

  it.effect("waits no longer than five minutes, and six hours in all", () =>
    Effect.gen(function* () {
      const { create, send, service } = yield* virtual({ concurrency: 1 })
      yield* create("busy", () => Effect.never)
      yield* create("f")
      yield* send("busy")
      yield* TestClock.adjust(1)
      yield* send("f")
      yield* TestClock.adjust("7 hours")
      const { lost, totals } = service.recorder.report()
      assert.strictEqual(lost[0]!.reason, "EventAgeExceeded")
      // Nine in the first 511 seconds, then one in 300.
      assert.isAtLeast(totals.throttles, 70)
      assert.isAtMost(totals.throttles, 95)
    })
  )

  it.effect("finds its turn, as do all others", () =>
    Effect.gen(function* () {
      const { create, environments, send, service } = yield* virtual({ concurrency: 5 })
      yield* create("f", () => Effect.as(Effect.sleep(100), ok))
      for (let i = 0; i < 100; i++) yield* send("f", i)
      yield* TestClock.adjust("1 hour")
      const { lost, totals } = service.recorder.report()
      assert.strictEqual(totals.invocations, 100)
      assert.strictEqual(environments.length, 5)
      assert.deepStrictEqual(lost, [])
    })
  )

  it.effect("for ever, is given up at once", () =>
    Effect.gen(function* () {
      const { create, send, service } = yield* virtual()
      const fn = yield* create("f")
      fn.reserved = 0
      yield* send("f")
      yield* Effect.yieldNow
      assert.strictEqual(service.recorder.report().lost[0]!.reason, "ReservedConcurrencyIsZero")
    })
  )
})

describe("a destination", () => {
  const QUEUE = "arn:aws:sqs:us-east-1:000000000000:failures"

  it.effect("is told why an event failed, and what it was", () =>
    Effect.gen(function* () {
      const service = yield* virtual({ retryDelaysMs: [10, 20] })
      yield* service.create("f", () => Effect.succeed(failure))
      configureEvents(service, "f", { failure: QUEUE, retries: 1 })
      yield* service.send("f", { a: 1 }, "event-1")
      yield* TestClock.adjust("1 minute")
      const { destinations, lost } = service.service.recorder.report()
      assert.deepStrictEqual(lost, [])
      assert.strictEqual(destinations.length, 1)
      const { record, ...rest } = destinations[0]!
      assert.deepStrictEqual(rest, {
        requestId: "event-1",
        functionName: "f",
        condition: "RetriesExhausted",
        destination: QUEUE
      })
      const { timestamp, ...told } = record as { timestamp: string }
      assert.isNotNaN(Date.parse(timestamp))
      assert.deepStrictEqual(told, {
        version: "1.0",
        requestContext: {
          requestId: "event-1",
          functionArn: "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
          condition: "RetriesExhausted",
          approximateInvokeCount: 2
        },
        requestPayload: { a: 1 },
        responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
        responsePayload: { errorType: "Error", errorMessage: "no" }
      })
    })
  )

  it.effect("that is a function is invoked with that", () =>
    Effect.gen(function* () {
      const service = yield* virtual({ retryDelaysMs: [10, 20] })
      yield* service.create("f", () => Effect.succeed(failure))
      yield* service.create("after")
      configureEvents(service, "f", { failure: service.service.registry.arn("after") })
      yield* service.send("f", { a: 1 })
      yield* TestClock.adjust("1 minute")
      const after = service.environments.find(({ settings }) => settings.functionName === "after")!
      const event = JSON.parse(Buffer.from(after.requests[0]!.payload).toString())
      assert.deepStrictEqual(event.requestPayload, { a: 1 })
      assert.strictEqual(event.requestContext.condition, "RetriesExhausted")
    })
  )

  it.effect("can be told of what succeeded", () =>
    Effect.gen(function* () {
      const service = yield* virtual()
      yield* service.create("f")
      configureEvents(service, "f", { success: QUEUE })
      yield* service.send("f")
      yield* TestClock.adjust(1)
      const [destined] = service.service.recorder.report().destinations
      assert.deepInclude(destined!.record, { responsePayload: 1 })
      assert.strictEqual(destined!.condition, "Success")
    })
  )
})

it.effect("a function's dead-letter queue gets the event as it was", () =>
  Effect.gen(function* () {
    const { create, send, service } = yield* virtual({ retryDelaysMs: [1, 1] })
    const fn = yield* create("f", () => Effect.succeed(failure))
    const deadLetterArn = "arn:aws:sqs:us-east-1:000000000000:dead"
    service.registry.update(fn, { configuration: { ...fn.latest.configuration, deadLetterArn } })
    yield* send("f", { a: 1 })
    yield* TestClock.adjust(10)
    const [destined] = service.recorder.report().destinations
    assert.deepInclude(destined!, { destination: deadLetterArn, record: { a: 1 } })
  })
)
