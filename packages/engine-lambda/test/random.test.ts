// Random workflows with random plans, on functions whose events are doubled and lost, and which have little time.

import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import * as random from "../../core/test/randomGraph.ts"
import { arbitraryPlan, generator } from "../../worker/test/arbitraryPlan.ts"
import { value } from "../../worker/test/harness.ts"
import { FakeLambda, type FakeOptions, memoryServices } from "./fixtures/FakeLambda.ts"

vi.setConfig({ testTimeout: 120_000 })

const chance = generator(7)
const faults: Readonly<Record<string, Omit<FakeOptions, "services">>> = {
  "events that come": {},
  "doubled events": { deliveries: () => (chance() < 0.5 ? 2 : 1) },
  "lost events": { deliveries: () => (chance() < 0.05 ? 0 : 1) },
  "two at once": { limit: 2 }
}
const RUNS = 40
/** Short enough to see it run out where events are lost; else no worker is to be taken for lost on a busy machine. */
const leaseFor = (name: string): number => (name === "lost events" ? 400 : 10_000)

describe("random workflows with random plans are computed", () => {
  it.each(Object.entries(faults))("with %s", async (name, options) => {
    const services = await memoryServices()
    const lambda = new FakeLambda({
      concurrency: 3,
      fanOut: 2,
      idleMs: 2,
      ...options,
      bundle: { workflow: async () => random },
      services
    })
    await fc.assert(
      fc.asyncProperty(random.arbitraryWorkflow, arbitraryPlan, async ({ build, expected }, plan) => {
        const found = await value(build(), {
          engine: lambda.engine,
          module: "file:///elsewhere/random.ts",
          shared: { services, reference: { module: "shared", options: {} } },
          leaseMs: leaseFor(name),
          maxAttempts: 10,
          plan
        })
        expect(found).toEqual(expected)
      }),
      { numRuns: RUNS }
    )
    await lambda.settled()
    expect(lambda.delivered.flatMap(({ error }) => error ?? [])).toEqual([])
  })
})
