// Faults happen as often as is asked for, and the same ones with the same seed, whatever the order of things.
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { expect } from "vitest"
import type { LambdaOptions } from "../src/index.ts"
import { deployed, ECHO } from "./deployed.ts"
import { ok, virtual } from "./virtual.ts"

const EVENTS = 400

/** Sends events one by one, or all at once, and tells how often each was delivered. */
const deliveries = Effect.fnUntraced(function* (options: LambdaOptions, together: boolean) {
  const seen = new Map<number, Array<number>>()
  const service = yield* virtual(options)
  yield* service.create("f", ({ id, payload }) =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const number = Number(Buffer.from(payload).toString())
      seen.set(number, [...(seen.get(number) ?? []), at])
      assert.strictEqual(id, `event-${number}`)
      return ok
    })
  )
  for (let i = 0; i < EVENTS; i++) {
    yield* service.send("f", i, `event-${i}`)
    if (!together) yield* TestClock.adjust("1 minute")
  }
  yield* TestClock.adjust("1 hour")
  return { seen, report: service.service.recorder.report() }
})

describe("events", () => {
  it.effect("are dropped, doubled and late as often as is asked for", () =>
    Effect.gen(function* () {
      const faults = { drop: 0.1, double: 0.2, late: 0.3, lateMs: 5000 }
      const { report, seen } = yield* deliveries({ faults, seed: 3 }, true)
      const doubled = [...seen.values()].filter(({ length }) => length === 2).length
      const isNear = (count: number, share: number) =>
        assert.approximately(count / EVENTS, share, 3 * Math.sqrt((share * (1 - share)) / EVENTS))
      isNear(EVENTS - seen.size, 0.1)
      isNear(doubled, 0.2 * 0.9)
      isNear(
        new Set(
          report.invocations.filter(({ faults }) => faults.includes("late")).map(({ requestId }) => requestId)
        ).size,
        0.3 * 0.9
      )
      assert.strictEqual(report.lost.length, EVENTS - seen.size)
      assert.strictEqual(
        report.invocations.filter(({ faults }) => faults.includes("doubled")).length,
        doubled
      )
      assert.isAbove(Math.max(...[...seen.values()].flat()), 5000)
      assert.isAtMost(Math.max(...[...seen.values()].flat()), 10_000)
    })
  )

  it.effect("have the same faults by the same seed, in whatever order they come", () =>
    Effect.gen(function* () {
      const faults = { drop: 0.1, double: 0.2 }
      const counts = (seed: number, together: boolean) =>
        Effect.map(deliveries({ faults, seed }, together), ({ seen }) =>
          Array.from({ length: EVENTS }, (_, i) => seen.get(i)?.length ?? 0).join("")
        ).pipe(Effect.scoped)
      const first = yield* counts(7, true)
      assert.strictEqual(yield* counts(7, false), first)
      assert.notStrictEqual(yield* counts(8, true), first)
    })
  )

  it.effect("are not harmed unless that is asked for", () =>
    Effect.gen(function* () {
      const { report, seen } = yield* deliveries({}, true)
      assert.strictEqual(seen.size, EVENTS)
      assert.strictEqual(report.totals.invocations, EVENTS)
    })
  )
})

describe("an environment that is killed", () => {
  it.effect("fails its invocation, which is tried again if it is an event", () =>
    Effect.gen(function* () {
      const { create, environments, send, service } = yield* virtual({
        faults: { kill: 0.5, killWithinMs: 100 },
        seed: 2
      })
      yield* create("f", () => Effect.as(Effect.sleep(1000), ok))
      for (let i = 0; i < 40; i++) yield* send("f", i)
      yield* TestClock.adjust("1 hour")
      const { invocations, totals } = service.recorder.report()
      const killed = invocations.filter(({ faults }) => faults.includes("killed"))
      assert.isAbove(killed.length, 20)
      assert.strictEqual(totals.errors, killed.length)
      for (const { error } of killed) assert.strictEqual(error!.type, "Runtime.ExitError")
      // Each attempt has its own chance.
      const succeeded = new Set(
        invocations.filter(({ error }) => error === undefined).map(({ requestId }) => requestId)
      )
      assert.isAbove(succeeded.size, 25)
      assert.strictEqual(environments.filter(({ isEnded }) => isEnded).length >= killed.length, true)
    })
  )

  it.effect("too late does no harm, and is used again", () =>
    Effect.gen(function* () {
      const { create, environments, invoke, service } = yield* virtual({
        faults: { kill: 1, killWithinMs: 1000 }
      })
      yield* create("f")
      for (let i = 0; i < 20; i++) yield* invoke("f")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(environments.length, 1)
      assert.strictEqual(service.recorder.report().totals.errors, 0)
    })
  )
})

it("a function's process is really killed in the middle of its work", async () => {
  const { create, invoke, lambda } = await deployed({ faults: { kill: 1, killWithinMs: 50 } })
  await create(
    "sleep",
    "export const handler = () => new Promise((resolve) => setTimeout(resolve, 30_000))",
    { Timeout: 60 }
  )
  const { error, result } = await invoke("sleep")
  expect(error).toBe("Unhandled")
  expect(result).toMatchObject({
    errorType: "Runtime.ExitError",
    errorMessage: expect.stringContaining("signal: killed")
  })
  expect(lambda.report().invocations[0]!.faults).toEqual(["killed"])
})

it("cold starts and requests take longer if that is asked for", async () => {
  const { create, invoke, lambda } = await deployed({
    coldStart: { ms: 200, spreadMs: 50 },
    invokeLatency: { ms: 80 }
  })
  await create("echo", ECHO)
  await invoke("echo")
  await invoke("echo")
  const [cold, warm] = lambda.report().invocations
  expect(cold!.initMs).toBeGreaterThanOrEqual(200)
  expect(warm!.initMs).toBeUndefined()
  // Timers may be a millisecond early.
  for (const { queuedMs } of [cold!, warm!]) expect(queuedMs).toBeGreaterThanOrEqual(79)
})
