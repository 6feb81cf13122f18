// Random workflows under random faults end as promised; and the laboratory finds stores that break a promise.
import { describe, expect, it } from "vitest"
import {
  callFaults,
  type FaultKind,
  invocationFaults,
  messageFaults,
  taskFaults,
  timeFaults
} from "../src/index.ts"
import { type ControlName, replayCommand, runSeed, runSeeds, shrink } from "./seeds.ts"

/** How many seeds CI runs; `npm run lab` runs more. */
const SEEDS = 4000
const PARTS = 4
const TIMEOUT = 120_000

describe("the worker and the protocol", () => {
  const seen = new Set<FaultKind>()

  it.each(Array.from({ length: PARTS }, (_, part) => (part * SEEDS) / PARTS + 1))(
    "keep their promises, from seed %i on",
    async (from) => {
      const { failed, faults } = await runSeeds(from, SEEDS / PARTS)
      expect(failed === undefined ? "" : `${failed.problem}\n${replayCommand(failed)}`).toBe("")
      for (const kind of Object.keys(faults)) seen.add(kind as FaultKind)
    },
    TIMEOUT
  )

  it("have met every fault", () => {
    const all = [...callFaults, ...invocationFaults, ...messageFaults, ...taskFaults, ...timeFaults]
    expect([...seen].toSorted()).toEqual(all.toSorted())
  })
})

describe("a seed", () => {
  it("gives the same run each time", async () => {
    for (const seed of [7, 11, 22, 78]) {
      const [first, second] = [
        await runSeed({ seed }, { trace: true }),
        await runSeed({ seed }, { trace: true })
      ]
      expect(first.trace.length).toBeGreaterThan(10)
      expect(second.trace).toEqual(first.trace)
    }
  })
})

describe("a store", () => {
  const limits: ReadonlyArray<readonly [ControlName, RegExp]> = [
    ["plain-counter", /was committed before|the run hangs|the result is/],
    ["ready-twice", /was committed twice/],
    ["forgetful", /the run hangs .*\n.* waits for/s],
    ["impatient", /lost: its worker was lost/],
    ["untidy", /entries .* are left/]
  ]

  it.each(limits)("that is %s fails within 2,000 seeds", { timeout: TIMEOUT }, async (control, why) => {
    const { failed } = await runSeeds(1, 2000, control)
    expect(failed?.problem).toMatch(why)
  })

  it("fails in a smaller scenario, too, which can be run again", { timeout: TIMEOUT }, async () => {
    const { failed } = await runSeeds(1, 2000, "untidy")
    const smaller = await shrink(failed!.seed, "untidy", 10_000)
    expect(smaller.path).toMatch(/^0(:\d+)+$/)
    const { problem } = await runSeed(smaller, { control: "untidy" })
    expect(problem).toMatch(/are left/)
    expect(replayCommand(smaller, "untidy")).toContain(`--seed ${smaller.seed} --path ${smaller.path}`)
  })
})
