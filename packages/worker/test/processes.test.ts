// Workers in processes of their own, over stores that all of them get at.
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { arbitraryWorkflow, moduleUrl as randomModule } from "../../core/test/randomGraph.ts"
import { processes } from "../src/index.ts"
import { arbitraryPlan } from "./arbitraryPlan.ts"
import { type Served, serve } from "./fixtures/served.ts"
import { value } from "./harness.ts"

let served: Served
beforeAll(async () => {
  served = await serve()
})
afterAll(() => served[Symbol.asyncDispose]())

const shared = () => ({ shared: served, leaseMs: 10_000 })

describe("random workflows with random plans", () => {
  const engines = [
    { processes: 1, idleMs: 2 },
    { processes: 2, idleMs: 5, fanOut: 2 },
    { processes: 2, concurrency: 6, fanOut: 4, idleMs: 0 }
  ].map((options) => ({ options, engine: processes(options) }))
  afterAll(() => Promise.all(engines.map(({ engine }) => engine.close())))

  it.each(engines)(
    "are computed: $options",
    ({ engine }) =>
      fc.assert(
        fc.asyncProperty(arbitraryWorkflow, arbitraryPlan, async ({ build, expected }, plan) => {
          expect(await value(build(), { engine, plan, module: randomModule, ...shared() })).toEqual(expected)
        }),
        { numRuns: 60, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true }
      ),
    120_000
  )
})
