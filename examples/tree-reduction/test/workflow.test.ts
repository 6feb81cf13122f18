import { describe, expect, it } from "vitest"
import { run } from "weft"
import { addUp, exactly } from "../src/direct.ts"
import treeReduction from "../src/workflow.ts"

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it("adds up a million terms", async () => {
    const sum = await run(treeReduction, { engine })
    expect(sum).toBeCloseTo(addUp(1_000_000), 12)
    expect(Math.abs(sum - exactly(1_000_000))).toBeLessThan(1e-14)
  })

  it.each([
    { size: 0, leaf: 1 },
    { size: 1, leaf: 1 },
    { size: 2, leaf: 1 },
    { size: 7, leaf: 1 },
    { size: 100, leaf: 9 },
    { size: 100, leaf: 1000 }
  ])("adds up $size terms, $leaf at a leaf", async (input) => {
    expect(await run(treeReduction, { engine, input })).toBeCloseTo(addUp(input.size), 14)
  })
})
