import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Laws from "../src/Laws.ts"

const points = (xs: ReadonlyArray<number>, f: (x: number) => number) =>
  xs.map((x) => ({ x, y: f(x), weight: 1 }))

describe("line", () => {
  it("finds what points lie on", () => {
    const { error, fixed, slope } = Laws.line(points([1e3, 1e6, 1e9], (x) => 5 + x / 60_000))
    expect(fixed).toBeCloseTo(5, 6)
    expect(slope * 60_000).toBeCloseTo(1, 6)
    expect(error).toBeCloseTo(0, 9)
  })

  it.each([
    ["falls", (x: number) => 100 - x, { slope: 0 }],
    ["would begin below zero", (x: number) => 10 * x - 9, { fixed: 0 }],
    ["is constant", () => 7, { fixed: 7, slope: 0 }]
  ])("has no negative coefficient where what was measured %s", (_, f, expected) => {
    const { error, fixed, slope } = Laws.line(points([1, 2, 10], f))
    expect({ fixed, slope }).toMatchObject(expected)
    expect(Number.isFinite(error)).toBe(true)
  })

  it("of points at one place is their level", () => {
    expect(Laws.line(points([0, 0], () => 3))).toMatchObject({ fixed: 3, slope: 0 })
  })
})

describe("falling", () => {
  it("leaves what falls, and averages what does not", () => {
    const falling = (...ys: ReadonlyArray<number>) => Laws.falling(ys.map((y) => ({ y, weight: 1 })))
    expect(falling(5, 4, 4, 1)).toEqual([5, 4, 4, 1])
    expect(falling(1, 2, 3)).toEqual([2, 2, 2])
    expect(falling(9, 3, 5, 1)).toEqual([9, 4, 4, 1])
  })

  it("never rises and keeps the mean", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ y: fc.integer({ min: -50, max: 50 }), weight: fc.integer({ min: 1, max: 9 }) })),
        (values) => {
          const result = Laws.falling(values)
          for (let i = 1; i < result.length; i++) expect(result[i]).toBeLessThanOrEqual(result[i - 1]!)
          const total = (of: (i: number) => number) =>
            values.reduce((sum, { weight }, i) => sum + weight * of(i), 0)
          expect(total((i) => result[i]!)).toBeCloseTo(
            total((i) => values[i]!.y),
            6
          )
        }
      )
    )
  })
})

describe("memoryLaw", () => {
  it("tells waiting from computing", () => {
    const law = Laws.memoryLaw(points([442.25, 884.5, 1769], (memory) => 50 + (100 * 1769) / memory))
    expect(law(3538)).toBeCloseTo(150, 3)
    expect(law(221.125)).toBeCloseTo(850, 3)
  })

  it("finds how many cores are of use", () => {
    const law = Laws.memoryLaw(
      points([884.5, 1769, 3538, 5307, 10_240], (memory) => 100 / Math.min(3, memory / 1769))
    )
    expect(law(7076)).toBeCloseTo(100 / 3, 1)
    expect(law(2653.5)).toBeCloseTo(100 / 1.5, 1)
  })

  it("knows nothing of other sizes from one", () => {
    expect(Laws.memoryLaw(points([512], () => 80))(4096)).toBeCloseTo(80, 6)
  })
})
