// The protocol under random interleavings, compared after every call with what it promises; and proof that the
// comparison sees what is wrong, by stores that are broken on purpose.
import { assert, describe, it } from "@effect/vitest"
import { GraphBuilder } from "@weft/core"
import { Coordination, CoordinationMemory } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { defects } from "./protocol/broken.ts"
import { Broken } from "./protocol/Oracle.ts"
import { type SimulationOptions, simulate, sizeOf } from "./protocol/Simulation.ts"

const simulations: fc.Arbitrary<SimulationOptions> = fc
  .record({
    workflows: fc.array(arbitraryWorkflow, { minLength: 1, maxLength: 4, size: "max" }),
    seed: fc.nat(2 ** 20),
    width: fc.integer({ min: 0, max: 4 }),
    named: fc.integer({ min: 0, max: 3 }),
    maxAttempts: fc.constantFrom(2, 4, 1_000_000),
    mayStop: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    choices: fc.array(fc.nat(2 ** 16), { maxLength: 600, size: "max" })
  })
  .map(({ workflows, ...options }) => ({
    ...options,
    graph: GraphBuilder.make(
      workflows.map(({ build }) => build()),
      "random"
    ).graph,
    [fc.toStringMethod]: () => `${fc.stringify(workflows)} ${JSON.stringify(options)}`
  }))
  .filter((options) => sizeOf(options) <= 150)

/** More for a longer search: `RUNS=30000 npx vitest run packages/storage/test/protocol`. */
const numRuns = Number(process.env.RUNS ?? 500)

type Store = Coordination["Service"]

const run = (options: SimulationOptions, change: (store: Store) => Store = (store) => store): Promise<void> =>
  Effect.gen(function* () {
    yield* simulate(change(yield* Coordination), (ms) => TestClock.adjust(ms), options)
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.provideMerge(CoordinationMemory.layer, TestClock.layer())),
    Effect.runPromise
  )

describe("the protocol under random interleavings", () => {
  it("keeps what it promises", { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(simulations, (options) => run(options)),
      { numRuns }
    )
  )

  describe("is seen to be broken by a store that", () => {
    it.each(defects)("$name", { timeout: 120_000 }, async ({ broken, seenAs }) => {
      const property = fc.asyncProperty(simulations, (options) => run(options, broken))
      const { errorInstance } = await fc.check(property, { numRuns: 1000, endOnFailure: true, seed: 1 })
      assert.instanceOf(errorInstance, Broken)
      assert.match((errorInstance as Broken).message, seenAs)
    })
  })
})
