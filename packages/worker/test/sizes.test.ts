// Workers of several sizes: nothing is run by one that has too little memory for it.
import { Instance, type InstanceId, Plan } from "@weft/core"
import type { Coordination } from "@weft/storage"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { arbitraryPlan, generator } from "./arbitraryPlan.ts"
import { add, double, identity, wait } from "./fixtures/tasks.ts"
import { forgetful } from "./forgetful.ts"
import { end, type Settings, value } from "./harness.ts"
import { type ServerlessOptions, serverless } from "./serverless.ts"

/** Notes each worker's memory, and who completed what. */
const noting = (options: ServerlessOptions = {}) => {
  const memory = new Map<string, number | undefined>()
  const ran: Array<readonly [worker: string, instance: InstanceId]> = []
  const engine = serverless({
    ...options,
    sized: true,
    onStart: (one) => memory.set(one.worker, one.memoryMiB)
  })
  const coordination = (real: Coordination["Service"]): Coordination["Service"] => ({
    ...real,
    complete: (run, worker, completions) =>
      Effect.suspend(() => {
        for (const { instance } of completions) ran.push([worker, instance])
        return real.complete(run, worker, completions)
      })
  })
  return { memory, ran, engine, coordination }
}

describe("workers of several sizes", () => {
  it(
    "run only what they have the memory for",
    () =>
      fc.assert(
        fc.asyncProperty(arbitraryWorkflow, arbitraryPlan, async ({ build, expected }, plan) => {
          const { coordination, engine, memory, ran } = noting({ parallelism: 3, fanOut: 3 })
          const sized: NonNullable<Settings["plan"]> = (graph) => ({ ...plan(graph), memory: 256 })
          const { graph, status, value } = await end(build(), { engine, plan: sized, coordination })
          expect(status).toBe("succeeded")
          expect(value).toEqual(expected)
          const planned = { ...emptyPlan, ...sized(graph) }
          for (const [worker, instance] of ran) {
            const needed = Plan.memoryOf(planned, graph, Instance.nodeOf(instance))
            expect(memory.get(worker)).toBeGreaterThanOrEqual(needed)
          }
        }),
        { numRuns: 100, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true }
      ),
    70_000
  )

  it(
    "also when values are lost, and computed again",
    () =>
      fc.assert(
        fc.asyncProperty(
          arbitraryWorkflow,
          arbitraryPlan,
          fc.integer(),
          async ({ build, expected }, plan, seed) => {
            const random = generator(seed)
            const engine = serverless({
              sized: true,
              parallelism: 2,
              clock: () => () => 10_000 * Math.ceil(30 * random())
            })
            const lost = forgetful(() => random() < 0.3)
            const sized: NonNullable<Settings["plan"]> = (graph) => ({ ...plan(graph), memory: 256 })
            expect(await value(build(), { engine, plan: sized, ...lost })).toEqual(expected)
          }
        ),
        { numRuns: 150, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true }
      ),
    70_000
  )

  it("have what a task's option asks for, if the plan does not say", async () => {
    const { coordination, engine, memory, ran } = noting()
    const hungry = double.with({ memory: 3008 })
    const plan = () => ({ memory: 512 })
    expect(await value(identity(hungry(identity(1))), { engine, plan, coordination })).toBe(2)
    expect(ran.map(([worker]) => memory.get(worker))).toEqual([512, 3008, 3008])
  })
})

const emptyPlan = Plan.make("test", { memory: 0 })

describe("a value that is lost", () => {
  //  identity (2048 MiB) ─┐
  //  wait                ─┴─ add
  it("is not computed again by a worker that has too little memory", async () => {
    const { engine, memory } = noting()
    const big = identity.with({ memory: 2048 })(1)
    const lost = forgetful((instance) => instance === 0)
    const plan = () => ({ memory: 512 })
    expect(await value(add(big, wait(100)), { engine, plan, ...lost })).toBe(101)
    expect([...memory.values()].toSorted()).toEqual([2048, 2048, 512])
  })
})
