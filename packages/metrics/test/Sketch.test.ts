import { Codec } from "@weft/core"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Sketch } from "../src/index.ts"

const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true, noDefaultInfinity: true })
const samples = fc.array(positive, { minLength: 1, maxLength: 200 })
const isEncoded = Schema.is(Sketch.Encoded)
const stored = (sketch: Sketch.Sketch): unknown => Codec.decode(Codec.encode(Sketch.encode(sketch)))

describe("Sketch", () => {
  it("knows count, weight, sum, minimum and maximum exactly", () => {
    const sketch = Sketch.of([3, 1, 0, 10])
    expect(sketch).toMatchObject({ count: 4, weight: 4, sum: 14, min: 0, max: 10, zero: 1 })
    expect(Sketch.effective(sketch)).toBe(4)
  })

  it("is within 1 % of every quantile, if the lowest numbers are not too far off the highest", () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const near = values.map((value) => 1 + (value % 100))
        const sorted = near.toSorted((a, b) => a - b)
        const found = Sketch.quantile(Sketch.of(near), share)!
        const rank = share * near.length
        const candidates = [
          sorted[Math.min(near.length - 1, Math.floor(rank))]!,
          sorted[Math.max(0, Math.ceil(rank) - 1)]!
        ]
        expect(found).toBeGreaterThanOrEqual(Math.min(...candidates) * 0.9899)
        expect(found).toBeLessThanOrEqual(Math.max(...candidates) * 1.0101)
      })
    )
  })

  it("of two parts merged is that of all", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const merged = Sketch.merge(Sketch.of(a), Sketch.of(b))
        const all = Sketch.of([...a, ...b])
        expect({ ...merged, sum: 0 }).toEqual({ ...all, sum: 0 })
        expect(merged.sum).toBeCloseTo(all.sum, 3)
      })
    )
  })

  it("has at most 256 bins, and loses the low end only", () => {
    const values = Array.from({ length: 5000 }, (_, i) => 1.005 ** i)
    const sketch = Sketch.of(values)
    expect(sketch.bins.size).toBe(256)
    expect(sketch.count).toBe(5000)
    expect(Sketch.quantile(sketch, 0.9)! / values[4500]!).toBeCloseTo(1, 1)
  })

  it("counts a faded sample less, and forgets it in the end", () => {
    const old = Sketch.fade(Sketch.of(new Array<number>(4).fill(100)), 0.5)
    expect(old).toMatchObject({ count: 4, weight: 2, squares: 1, sum: 200 })
    const both = Sketch.merge(old, Sketch.of([7, 7, 7]))
    expect(Sketch.median(both)).toBeCloseTo(7, 0)
    let faded = both
    for (let i = 0; i < 12; i++) faded = Sketch.fade(Sketch.merge(faded, Sketch.of([7])), 0.5)
    expect(faded.max).toBeLessThan(7.2)
    expect(faded.weight).toBeCloseTo(1, 1)
    for (let i = 0; i < 20; i++) faded = Sketch.fade(faded, 0.5)
    expect(faded).toEqual({ ...Sketch.make(), count: 19 })
  })

  it("counts a sample as often as it says", () => {
    const sketch = Sketch.make()
    Sketch.add(sketch, 10, 3)
    Sketch.add(sketch, 20, Number.NaN)
    expect(sketch).toMatchObject({ count: 2, weight: 4, squares: 10, sum: 50 })
    expect(Sketch.median(sketch)! / 10).toBeCloseTo(1, 1)
  })

  it("multiplies samples", () => {
    const scaled = Sketch.pool([{ sketch: Sketch.of([0, 10, 20]), factor: 3 }])
    expect(scaled).toMatchObject({ sum: 90, min: 0, max: 60, zero: 1 })
    expect(Sketch.median(scaled)! / 30).toBeCloseTo(1, 1)
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 2e15])("passes over %d", (value) => {
    expect(Sketch.of([value])).toEqual(Sketch.make())
  })

  it("comes back as it was stored", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), positive), { maxLength: 100 }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (values, factor) => {
          const sketch = Sketch.fade(Sketch.of(values), factor)
          const encoded = stored(sketch)
          if (!isEncoded(encoded)) throw new Error("it was refused")
          const decoded = Sketch.decode(encoded)
          expect(decoded.count).toBe(sketch.count)
          expect(decoded.weight).toBeCloseTo(sketch.weight, 3)
          expect([...decoded.bins.keys()].sort()).toEqual([...sketch.bins.keys()].sort())
          expect(Sketch.effective(decoded)).toBeCloseTo(Sketch.effective(sketch), 3)
        }
      )
    )
  })

  it.each([
    ["nothing", undefined],
    ["a list", []],
    ["bins without weights", { k: Int16Array.of(1, 2, 3) }],
    ["bins that do not ascend", { k: Int16Array.of(2, 2), w: Float32Array.of(1, 1) }],
    ["a weight that is no number", { k: Int16Array.of(2), w: Float32Array.of(Number.NaN) }],
    ["a negative weight", { k: Int16Array.of(2), w: Float32Array.of(-1) }],
    ["a bin out of range", { k: Int16Array.of(30_000), w: Float32Array.of(1) }],
    ["too many bins", { k: Int16Array.from({ length: 257 }, (_, i) => i), w: new Float32Array(257).fill(1) }],
    ["a negative count", { n: -1 }],
    ["a sum that is no number", { s: Number.NaN }],
    ["a minimum above the maximum", { min: 3, max: 2 }]
  ])("refuses %s", (_, wrong) => {
    const encoded = Sketch.encode(Sketch.of([1, 2]))
    expect(isEncoded(encoded)).toBe(true)
    expect(isEncoded(wrong === undefined || Array.isArray(wrong) ? wrong : { ...encoded, ...wrong })).toBe(
      false
    )
  })
})
