// Random workflows, planned at random, give on every engine what plain function calls give.
import type { Plan } from "@weft/core"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { arbitraryWorkflow, moduleUrl } from "../../core/test/randomGraph.ts"
import { type Engine, inline, threads } from "../src/index.ts"
import { type Plans, value } from "./harness.ts"

const RUNS = 60
const TIMEOUT = 120_000

/** What a random plan is made from: how many of the nodes are given to workers, and to how many workers. */
const arbitraryPlan: fc.Arbitrary<Plans> = fc
  .record({
    share: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
    workers: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer()
  })
  .map(({ seed, share, workers }) => {
    const plans: Plans = (graph) => {
      const random = generator(seed)
      const nodes = new Map<number, Plan.NodePlan>()
      for (let id = 0; id < graph.size; id++) {
        const number = Math.floor(random() * workers)
        if (random() < share) nodes.set(id, { worker: `worker-${number}`, memory: 128 * (number + 1) })
        else if (random() < 0.5) nodes.set(id, { memory: 128 * (number + 1) })
      }
      return { nodes }
    }
    return Object.assign(plans, {
      [fc.toStringMethod]: () => `${share} of the nodes to ${workers} workers, seed ${seed}`
    })
  })

/** Mulberry32. */
const generator = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const check = (engine: Engine, plans: fc.Arbitrary<Plans>) =>
  fc.assert(
    fc.asyncProperty(arbitraryWorkflow, plans, async ({ build, expected }, plan) => {
      expect(await value(build(), { engine, plan, module: moduleUrl })).toEqual(expected)
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: TIMEOUT - 10_000, markInterruptAsFailure: true }
  )

describe("inline", () => {
  it.each([
    { idleMs: 5 },
    { concurrency: 1, idleMs: 2 },
    { concurrency: 2, fanOut: 2, idleMs: 2 },
    { concurrency: 64, fanOut: 3, idleMs: 0 }
  ])(
    "computes random workflows with random plans: %o",
    (options) => check(inline(options), arbitraryPlan),
    TIMEOUT
  )
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
    ({ engine }) => check(engine, arbitraryPlan),
    TIMEOUT
  )
})
