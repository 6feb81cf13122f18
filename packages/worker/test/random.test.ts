// Random workflows, planned at random, give on every engine what plain function calls give.
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { arbitraryWorkflow, moduleUrl } from "../../core/test/randomGraph.ts"
import { type Engine, inline, threads } from "../src/index.ts"
import { arbitraryPlan } from "./arbitraryPlan.ts"
import { type Plans, value } from "./harness.ts"
import { held, holding } from "./holding.ts"

const RUNS = 60
const TIMEOUT = 120_000

/** Half of the plans have workers hold on to values. */
const plans = fc.oneof(arbitraryPlan, holding(arbitraryPlan))

const check = (engine: Engine, plans: fc.Arbitrary<Plans>) =>
  fc.assert(
    fc.asyncProperty(arbitraryWorkflow, plans, async ({ build, expected }, plan) => {
      const found = await value(build(), { engine, plan, module: moduleUrl, behaviours: [held] })
      expect(found).toEqual(expected)
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: TIMEOUT - 10_000, markInterruptAsFailure: true }
  )

describe("inline", () => {
  it.each([
    { idleMs: 5 },
    { concurrency: 1, idleMs: 2 },
    { concurrency: 2, fanOut: 2, idleMs: 2 },
    { concurrency: 64, fanOut: 3, idleMs: 0 }
  ])("computes random workflows with random plans: %o", (options) => check(inline(options), plans), TIMEOUT)
})

describe("threads", () => {
  const engines = [
    { threads: 1, idleMs: 2 },
    { threads: 2, idleMs: 5, fanOut: 2 },
    { threads: 2, concurrency: 6, fanOut: 4, idleMs: 0 }
  ].map((options) => ({ options, engine: threads(options) }))
  afterAll(() => Promise.all(engines.map(({ engine }) => engine.close())))

  it.each(engines)(
    "computes random workflows with random plans: $options",
    ({ engine }) => check(engine, plans),
    TIMEOUT
  )
})
