// Retries, timeouts and signals of one task, in virtual time.
import { it } from "@effect/vitest"
import { GraphBuilder, type Node, Options, Plan, type RetryPolicy, task } from "@weft/core"
import type { Coordination, Message, ObjectStore } from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { describe, expect } from "vitest"
import { context, RunContext, Timing } from "../../src/index.ts"
import { toEffect } from "../../src/Prompt.ts"
import { call } from "../../src/stages/Execute.ts"
import { NodeFailed, WorkerState } from "../../src/WorkerState.ts"

/** Runs a node of one task as a worker does. */
const execute = (
  node: Node<unknown>,
  work = { instance: 0, attempt: 1 },
  args: ReadonlyArray<unknown> = []
) => {
  const { graph, tasks } = GraphBuilder.make(node, "test")
  const plan = Plan.make("test")
  const told: Array<Message> = []
  const guards: Array<string> = []
  const state = new WorkerState({
    context: new RunContext({ run: "run", graph, plan, tasks, behaviours: [] }),
    invocation: { run: "run", worker: "w", named: false, work: [work], values: [], spawn: [] },
    invoker: {
      parallelism: 1,
      fanOut: 1,
      idleMs: 1,
      payloadBytes: 1,
      worthMs: 0,
      invoke: () => Effect.void
    },
    coordination: {
      publish: (_run: string, _channel: string, message: Message) =>
        Effect.sync(() => void told.push(message))
    } as unknown as Coordination["Service"],
    objects: {} as ObjectStore["Service"],
    host: {
      idle: (waiting) => waiting,
      guard: (_worker, _instance, name, ms) => {
        guards.push(`${name} ${ms}`)
        return () => void guards.push(`${name} released`)
      }
    },
    timing: Timing.defaultValue(),
    fork: Effect.runFork
  })
  return { told, guards, effect: toEffect(() => call(state, work, args)) }
}

/** When, in ms of virtual time, a task that always fails is called under a policy. */
const callsOf = Effect.fnUntraced(function* (policy: number | RetryPolicy, fails = () => new Error("no")) {
  const clock = yield* Clock.Clock
  const at: Array<number> = []
  const failing = task("failing", () => {
    at.push(clock.currentTimeMillisUnsafe())
    throw fails()
  })
  const { effect, told } = execute(failing.with({ retry: policy })())
  const fiber = yield* Effect.forkChild(Effect.exit(effect))
  yield* TestClock.adjust("1 hour")
  const exit = yield* Fiber.join(fiber)
  expect(Exit.isFailure(exit)).toBe(true)
  return { at, told }
})

const pauses = (at: ReadonlyArray<number>) => at.slice(1).map((time, i) => time - at[i]!)

describe("retry", () => {
  it.effect("tries as often as the policy says", () =>
    Effect.gen(function* () {
      expect((yield* callsOf(1)).at).toHaveLength(1)
      expect((yield* callsOf(4)).at).toHaveLength(4)
      expect((yield* callsOf({})).at).toHaveLength(3)
    })
  )

  it.effect("pauses for longer each time, up to the longest pause", () =>
    Effect.gen(function* () {
      const { at } = yield* callsOf({ attempts: 6, backoff: 100, factor: 3, maxBackoff: 2000, jitter: false })
      expect(pauses(at)).toEqual([100, 300, 900, 2000, 2000])
    })
  )

  it.effect("does not pause if the policy says so", () =>
    Effect.gen(function* () {
      expect(pauses((yield* callsOf({ attempts: 3, backoff: 0 })).at)).toEqual([0, 0])
    })
  )

  it.effect("varies pauses by at most a fifth", () =>
    Effect.gen(function* () {
      const { at } = yield* callsOf({ attempts: 50, backoff: 1000, factor: 1 })
      const varied = pauses(at)
      expect(varied).toHaveLength(49)
      for (const pause of varied) {
        expect(pause).toBeGreaterThanOrEqual(800)
        expect(pause).toBeLessThanOrEqual(1200)
      }
      expect(new Set(varied).size).toBeGreaterThan(1)
    }).pipe(Random.withSeed("jitter"))
  )

  it.effect("repeats only errors of the names that the policy lists", () =>
    Effect.gen(function* () {
      const errors = ["RangeError", "Flaky"]
      expect((yield* callsOf({ errors }, () => new Error("no"))).at).toHaveLength(1)
      expect((yield* callsOf({ errors }, () => new RangeError("no"))).at).toHaveLength(3)
      const flaky = () => Object.assign(new Error("no"), { name: "Flaky" })
      expect((yield* callsOf({ errors }, flaky)).at).toHaveLength(3)
      expect((yield* callsOf({ errors }, () => "Flaky" as never)).at).toHaveLength(1)
    })
  )

  it.effect("tells of each attempt that is repeated", () =>
    Effect.gen(function* () {
      const { told } = yield* callsOf({ attempts: 3, backoff: 1 }, () => new Error("again"))
      expect(told.map((message) => message.type === "retry" && [message.tries, message.error])).toEqual([
        [1, "again"],
        [2, "again"]
      ])
    })
  )

  it.effect("counts attempts on from those of workers that were lost", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const failing = task("failing", () => {
        seen.push(context().attempt)
        throw new Error("no")
      })
      const { effect } = execute(failing.with({ retry: { attempts: 2, backoff: 0 } })(), {
        instance: 0,
        attempt: 3
      })
      const fiber = yield* Effect.forkChild(Effect.flip(effect))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      expect(seen).toEqual([3, 4])
      expect(error).toBeInstanceOf(NodeFailed)
      expect(error.failure.attempts).toBe(4)
    })
  )
})

describe("timeout", () => {
  it.effect("aborts the signal, and says why", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | undefined
      const slow = task("slow", () => {
        signal = context().signal
        return new Promise<never>(() => {})
      })
      const { effect, guards } = execute(slow.with({ timeout: 500 })())
      const fiber = yield* Effect.forkChild(Effect.flip(effect))
      yield* TestClock.adjust(499)
      expect(signal?.aborted).toBe(false)
      yield* TestClock.adjust(1)
      const { failure } = yield* Fiber.join(fiber)
      expect(signal?.aborted).toBe(true)
      expect(signal?.reason).toMatchObject({ _tag: "TaskTimeout", ms: 500 })
      expect(failure).toMatchObject({ kind: "timeout", message: "did not end within its timeout of 500 ms" })
      expect(guards).toEqual(["slow 500", "slow released"])
    })
  )

  it.effect("does not touch a task that ends in time", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | undefined
      const quick = task("quick", async () => {
        signal = context().signal
        await undefined
        return 7
      })
      const { effect, guards } = execute(quick.with({ timeout: 500 })())
      expect(yield* effect).toEqual({ value: 7, tries: 1 })
      yield* TestClock.adjust(1000)
      expect(signal?.aborted).toBe(false)
      expect(guards).toEqual(["quick 500", "quick released"])
    })
  )

  it.effect("gives each attempt its own time and signal", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal> = []
      const slow = task("slow", () => {
        const { signal } = context()
        signals.push(signal)
        if (signals.length === 3) return 3
        return new Promise<never>((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        )
      })
      const options = { timeout: 500, retry: { attempts: 3, backoff: 0 } }
      const { effect } = execute(slow.with(options)())
      const fiber = yield* Effect.forkChild(effect)
      yield* turns(TestClock.adjust(500))
      yield* turns(TestClock.adjust(500))
      yield* turns(TestClock.adjust(500))
      expect(yield* Fiber.join(fiber)).toEqual({ value: 3, tries: 3 })
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
    })
  )

  it.effect("does not begin the next attempt while the last one is still busy stopping", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      let calls = 0
      let finish: (() => void) | undefined
      const slow = task("slow", async () => {
        most = Math.max(most, ++running)
        if (++calls === 1) await new Promise<void>((resume) => (finish = resume))
        running--
      })
      const { effect } = execute(slow.with({ timeout: 500, retry: { attempts: 2, backoff: 0 } })())
      const fiber = yield* Effect.forkChild(effect)
      yield* turns(TestClock.adjust(600))
      expect(calls).toBe(1)
      finish?.()
      yield* turns(TestClock.adjust(1))
      yield* Fiber.join(fiber)
      expect([calls, most]).toEqual([2, 1])
    })
  )

  it.effect("aborts the signal of a task whose run has ended", () =>
    Effect.gen(function* () {
      let signal: AbortSignal | undefined
      const never = task("never", () => {
        signal = context().signal
        return new Promise<never>(() => {})
      })
      const fiber = yield* Effect.forkChild(execute(never()).effect, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(signal?.aborted).toBe(true)
      expect(signal?.reason).toEqual(new Error("the run has ended"))
    })
  )
})

/** Lets promises settle that virtual time knows nothing of. */
const turns = (effect: Effect.Effect<void>) =>
  Effect.andThen(
    effect,
    Effect.promise(() => new Promise<void>((resume) => setTimeout(resume, 5)))
  )

describe("context()", () => {
  it.effect("says which call of which run is running, where and how often", () =>
    Effect.gen(function* () {
      const look = task("look", async () => {
        await undefined
        const { attempt, node, run, worker } = context()
        return { attempt, node, run, worker }
      })
      const { value } = yield* execute(look()).effect
      expect(value).toEqual({ attempt: 1, node: "look#0", run: "run", worker: "w" })
    })
  )

  it("is for tasks only", () => {
    expect(() => context()).toThrow("outside of a task")
  })
})

describe("output", () => {
  it.effect("is told as it is written, and its end kept with a failure", () =>
    Effect.gen(function* () {
      const loud = task("loud", () => {
        console.log("to", "stdout")
        console.error("to stderr")
        throw new Error("no")
      })
      const { captureConsole } = yield* Effect.promise(() => import("../../src/TaskContext.ts"))
      const release = captureConsole()
      const { effect, told } = execute(loud())
      const { failure } = yield* Effect.flip(effect)
      release()
      expect(failure.stderr).toBe("to stderr\n")
      expect(told).toMatchObject([
        { type: "output", instance: 0, stream: "stdout", text: "to stdout\n" },
        { type: "output", instance: 0, stream: "stderr", text: "to stderr\n" }
      ])
    })
  )
})

it("resolves a policy's defaults as its documentation says", () => {
  expect(Options.resolveRetry({})).toEqual({
    attempts: 3,
    backoff: 100,
    factor: 2,
    maxBackoff: 10_000,
    jitter: true
  })
})
