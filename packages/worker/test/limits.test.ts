// Workers that may not run for ever, as on AWS Lambda: they leave in time, and others go on.
import { setTimeout as sleep } from "node:timers/promises"
import { type Items, stream } from "@weft/annotations"
import { task } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { context, type Invocation } from "../src/index.ts"
import { arbitraryPlan, generator } from "./arbitraryPlan.ts"
import { double, identity } from "./fixtures/tasks.ts"
import { byName, end, failure, type Plans, value } from "./harness.ts"
import { limitedTo, serverless } from "./serverless.ts"

/**
 * A worker's clock that goes on by 10 s with each look at it: when a worker leaves does not depend on this machine, and none
 * is interrupted.
 */
const countdown = (looks: () => number) => () => {
  let left = looks()
  return () => 10_000 * left--
}

/** Nobody was lost with a worker that left in time. */
const lossless = async (targets: unknown, settings: Parameters<typeof end>[1]) => {
  const { failures, messages, status, value } = await end(targets, settings)
  expect(failures).toEqual([])
  expect(status).toBe("succeeded")
  expect(messages.filter(({ type }) => type === "lost")).toEqual([])
  return value
}

describe("random workflows with random plans", () => {
  const check = (plans: fc.Arbitrary<Plans>, sized: boolean) =>
    fc.assert(
      fc.asyncProperty(
        arbitraryWorkflow,
        plans,
        fc.integer({ min: 4, max: 40 }),
        fc.integer(),
        async ({ build, expected }, plan, most, seed) => {
          const random = generator(seed)
          const clock = countdown(() => 2 + Math.floor(random() * most))
          const engine = serverless({ clock, sized, parallelism: 3, idleMs: 2 })
          expect(await lossless(build(), { engine, plan })).toEqual(expected)
        }
      ),
      { numRuns: 100, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true }
    )

  it("are computed by workers that have time for few nodes each", () => check(arbitraryPlan, false), 120_000)
  it("also if they have sizes", () => check(arbitraryPlan, true), 120_000)
  it(
    "also if all are flexible",
    () =>
      check(
        fc.constant(() => ({})),
        true
      ),
    120_000
  )
})

/** A task that ends when it is called for the n-th time; before that it waits for its signal. */
const stuckUntil = (n: number) => {
  const log: Array<"called" | "interrupted"> = []
  let calls = 0
  const stuck = task("stuck", (_: unknown) => {
    const { attempt, signal } = context()
    log.push("called")
    if (++calls === n) return attempt
    return new Promise<number>((_, reject) => {
      signal.addEventListener("abort", () => {
        log.push("interrupted")
        reject(new Error("interrupted"))
      })
    })
  })
  return { log, stuck }
}

describe("a task that still runs when its worker has to leave", () => {
  it.each([
    ["a flexible worker", {}],
    ["a named worker", { stuck: { worker: "n" }, double: { worker: "n" } }]
  ])("is interrupted, and run by another, as its first attempt: %s", async (_, plans) => {
    const { log, stuck } = stuckUntil(2)
    const started: Array<Invocation> = []
    const engine = serverless({ clock: limitedTo(1000), onStart: (one) => started.push(one) })
    expect(await lossless(stuck(double(2)), { engine, plan: byName(plans) })).toBe(1)
    expect(log).toEqual(["called", "interrupted", "called"])
    expect(started.length).toBeGreaterThan(1)
  })

  it.each([
    ["a flexible worker", {}],
    ["a named worker", { stuck: { worker: "n" } }]
  ])("fails when two workers have spent all their time on it: %s", async (_, plans) => {
    const { log, stuck } = stuckUntil(0)
    const started: Array<Invocation> = []
    const engine = serverless({ clock: limitedTo(100), onStart: (one) => started.push(one) })
    const found = await failure(stuck(1), { engine, plan: byName(plans) })
    expect(found).toMatchObject({ kind: "timeout", task: "stuck", instance: 0, attempts: 1 })
    expect(found.message).toMatch(/^did not end in the [\d.]+ s that a worker has, 2 times: split the task/)
    expect(log).toEqual(["called", "interrupted", "called", "interrupted"])
    expect(started.map(({ limited }) => limited?.workers)).toEqual([undefined, 1])
  })
})

describe("what a worker that leaves has made", () => {
  //  identity ─┬─ double ─┐
  //            └─ stuck ──┴─ sum      `sum` waits for what the first worker has made, and for what it has not
  it("is stored where others need it, and carried where only its successor does", async () => {
    const { stuck } = stuckUntil(2)
    const sum = task("sum", (a: number, b: number) => a + b)
    const one = identity(20)
    const plan = byName({ identity: { worker: "n" }, double: { worker: "n" }, stuck: { worker: "n" } })
    const engine = serverless({ clock: limitedTo(1000) })
    expect(await lossless(sum(double(one), stuck(one)), { engine, plan })).toBe(41)
    const again = stuckUntil(2)
    expect(await lossless(sum(double(one), again.stuck(one)), { engine })).toBe(41)
  })
})

describe("a generator in the middle of its items", () => {
  const count = task("count", async function* (n: number) {
    for (let i = 0; i < n; i++) {
      await sleep(1)
      yield i
    }
  })
  const slow = task("slow", async function* (n: number) {
    for (let i = 0; i < n; i++) {
      // Slow for the first one only.
      await sleep(i === 20 && runs++ === 0 ? 60_000 : 0)
      yield i
    }
  })
  let runs = 0
  const list = task("list", async (items: Items<number>) => {
    const found: Array<number> = []
    for await (const item of items) found.push(item)
    return found
  })

  it("is run again by those who read them, when its worker leaves", async () => {
    const engine = serverless({ clock: limitedTo(4000) })
    const items = stream(slow)(40)
    const expected = Array.from({ length: 40 }, (_, i) => i)
    expect(await value([list(items), list(items)], { engine })).toEqual([expected, expected])
    expect(runs).toBeGreaterThan(1)
  })

  it("goes on when a reader leaves, which reads all again elsewhere", async () => {
    let reads = 0
    const slowly = task("slowly", async (items: Items<number>) => {
      const isFirst = reads++ === 0
      let sum = 0
      for await (const item of items) {
        if (isFirst && item === 10) await sleep(60_000)
        sum += item
      }
      return sum
    })
    const engine = serverless({ clock: limitedTo(4000) })
    expect(await value(slowly(stream(count, { buffer: 4 })(30)), { engine })).toBe(435)
    expect(reads).toBeGreaterThan(1)
  })
})
