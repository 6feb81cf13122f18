import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Distribution from "../src/Distribution.ts"
import { Sketch } from "../src/index.ts"
import { lognormal, random } from "./facts.ts"

const of = (values: ReadonlyArray<number>) => Distribution.of(Sketch.of(values))!

describe("Distribution", () => {
  it("of no samples there is none", () => {
    expect(Distribution.of(Sketch.make())).toBeUndefined()
  })

  it.each([[[5]], [new Array<number>(50).fill(5)]])("of constant samples is constant", (values) => {
    const { mean, percentile } = of(values)
    expect([mean, ...[0.001, 0.1, 0.5, 0.9, 0.999].map(percentile)]).toEqual(new Array(6).fill(5))
  })

  it("has the k-th of n samples at k / (n + 1)", () => {
    const { percentile } = of([1, 2, 4, 8])
    for (const [k, value] of [1, 2, 4, 8].entries()) expect(percentile((k + 1) / 5) / value).toBeCloseTo(1, 1)
    expect(percentile(0.5) / Math.sqrt(8)).toBeCloseTo(1, 1)
    expect(percentile(0.95)).toBeGreaterThan(8.5)
    expect(percentile(0.05)).toBeLessThan(0.95)
  })

  it("is not carried far beyond its samples by some that are next to nothing", () => {
    const { percentile } = of([0.001, 0.001, 100, 120])
    expect(percentile(0.95)).toBeGreaterThan(120)
    expect(percentile(0.999)).toBeLessThan(30 * 120)
  })

  it.each([4, 10, 40])("covers what it says, of %d samples", (n) => {
    const next = random(n)
    const rounds = 2000
    const covered = { half: 0, most: 0 }
    for (let i = 0; i < rounds; i++) {
      const { percentile } = of(Array.from({ length: n }, () => lognormal(next, 100, 0.3)))
      const value = lognormal(next, 100, 0.3)
      if (value <= percentile(0.5)) covered.half++
      if (value <= percentile(0.9)) covered.most++
    }
    expect(covered.half / rounds).toBeGreaterThan(0.46)
    expect(covered.half / rounds).toBeLessThan(0.54)
    expect(covered.most / rounds).toBeGreaterThan(0.86)
    expect(covered.most / rounds).toBeLessThan(0.94)
  })

  it("has a mean that one outlier does not move, and many do", () => {
    const usual = Array.from({ length: 20 }, (_, i) => 100 + i)
    expect(of([...usual, 100_000]).mean).toBeLessThan(120)
    expect(of([...usual, ...new Array<number>(10).fill(1000)]).mean).toBeCloseTo(
      (20 * 109.5 + 10_000) / 30,
      0
    )
  })

  it("never falls, and is never NaN", () => {
    const value = fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1e15, noNaN: true }),
      fc.integer({ min: 1, max: 20 })
    )
    const share = fc.oneof(fc.double(), fc.double({ min: 0, max: 1, noNaN: true }))
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.array(share),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, shares, factor) => {
          const found = Distribution.of(
            Sketch.merge(Sketch.fade(Sketch.of(values), factor), Sketch.of(values.slice(0, 2)))
          )!
          const asked = shares.filter((p) => !Number.isNaN(p)).sort((a, b) => a - b)
          const answers = asked.map(found.percentile)
          expect(
            [...answers, found.mean, found.percentile(Number.NaN)].every(
              (one) => one >= 0 && Number.isFinite(one)
            )
          ).toBe(true)
          for (let i = 1; i < answers.length; i++) expect(answers[i]).toBeGreaterThanOrEqual(answers[i - 1]!)
        }
      ),
      { numRuns: 500 }
    )
  })
})
