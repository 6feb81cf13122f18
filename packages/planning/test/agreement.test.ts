// The fast model against the simulator: random graphs, predictions, environments and assignments of all kinds.
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { Simulator, Timeline } from "../src/index.ts"
import { behaviours, type Kind, kinds, modelOf, randomCase } from "./cases.ts"

const CASES = 16

const ratiosOf = (kind: Kind) =>
  Effect.forEach(
    Array.from({ length: CASES }, (_, i) => i + 1),
    (seed) => {
      const one = randomCase(seed, kind)
      const { gbSeconds, makespanMs } = Timeline.evaluate(modelOf(one), one.assignment)
      return Effect.map(Simulator.simulate({ ...one, behaviours, samples: 0 }), (simulated) => ({
        makespan: makespanMs / simulated.meanRunMs,
        gbSeconds: gbSeconds / simulated.gbSeconds
      }))
    }
  )

const at = (values: ReadonlyArray<number>, share: number) =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!

describe("the fast model", () => {
  it.each(kinds)(
    "gives the simulator's makespan for %s workers: half of the cases within 1 in 100, nine of ten within 20",
    async (kind) => {
      const ratios = await Effect.runPromise(ratiosOf(kind))
      const off = ratios.map(({ makespan }) => Math.abs(Math.log(makespan)))
      expect(at(off, 0.5)).toBeLessThan(Math.log(1.01))
      expect(at(off, 0.9)).toBeLessThan(Math.log(1.2))
      expect(at(off, 1)).toBeLessThan(Math.log(1.6))
      const cost = ratios.map(({ gbSeconds }) => Math.abs(Math.log(gbSeconds)))
      expect(at(cost, 0.5)).toBeLessThan(Math.log(1.03))
    },
    120_000
  )
})
