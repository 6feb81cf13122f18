import { describe, expect, it } from "vitest"
import { run } from "weft"
import { multiplyDirectly } from "../src/direct.ts"
import { join } from "../src/matrix.ts"
import gemm from "../src/workflow.ts"

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it.each([
    { n: 64, block: 16 },
    { n: 50, block: 16 },
    { n: 5, block: 2 },
    { n: 3, block: 100 },
    { n: 1, block: 1 }
  ])("multiplies matrices with $n rows in blocks of $block", async (input) => {
    const { values } = join(await run(gemm, { engine, input }))
    const expected = multiplyDirectly(input.n)
    expect(values).toHaveLength(expected.length)
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 11)
    })
  })

  it.each([
    { n: 0, block: 4 },
    { n: 4, block: 1.5 }
  ])("refuses %o", async (input) => {
    await expect(run(gemm, { engine, input })).rejects.toThrow()
  })
})
