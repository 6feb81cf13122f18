// How experience corrects a simulated makespan.
import type { Predictions } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { calibrated } from "../src/simulator/Calibrated.ts"
import * as Distribution from "../src/simulator/Distribution.ts"
import { prediction } from "./cases.ts"

/** The same value always, in so many runs. */
const always = (mean: number, samples = 1): Predictions.Prediction => ({ ...prediction(mean), samples })

/** Values that lie about a mean by a share, in so many runs. */
const about = (mean: number, spread: number, samples: number): Predictions.Prediction => ({
  ...prediction(mean, spread),
  samples
})

const simulated = Distribution.of([900, 1000, 1100])

describe("a simulated makespan", () => {
  it("is what it is without experience, or with one that is none", () => {
    expect(calibrated(simulated, undefined)).toBe(simulated)
    expect(calibrated(simulated, { ratio: always(0), makespanMs: undefined })).toBe(simulated)
  })

  it("goes by no experience that mostly took no time", () => {
    const mostly = (samples: number): Predictions.Prediction => ({
      ...always(500, samples),
      percentile: (p) => (p > 0.7 ? 2000 : 0)
    })
    const without = calibrated(simulated, { ratio: mostly(3), makespanMs: undefined })
    expect(without).toBe(simulated)
    const by = calibrated(simulated, { ratio: always(2), makespanMs: mostly(3) })
    for (const p of [0.01, 0.5, 0.99]) expect(by.percentile(p)).toBeGreaterThan(0)
    expect(by.mean).toBeCloseTo(2000)
  })

  it("is multiplied by how others' predictions turned out", () => {
    expect(calibrated(simulated, { ratio: always(1.5), makespanMs: undefined }).mean).toBeCloseTo(1500)
  })

  it("is the geometric mean of both forecasts after one run, when neither is known to be better", () => {
    const { mean } = calibrated(simulated, { ratio: always(0.5), makespanMs: always(2000) })
    expect(mean).toBeCloseTo(Math.sqrt(500 * 2000))
  })

  it("is that of earlier runs if these were all alike while what was predicted was not", () => {
    const experience = { ratio: about(0.5, 0.4, 6), makespanMs: always(800, 6) }
    const { mean } = calibrated(simulated, experience)
    expect(mean).toBeGreaterThan(700)
    expect(mean).toBeLessThanOrEqual(800)
  })

  it("goes with what is simulated if earlier predictions were off by one factor, whatever was predicted", () => {
    const experience = { ratio: always(0.5, 6), makespanMs: about(4000, 0.8, 6) }
    const { mean } = calibrated(simulated, experience)
    expect(mean).toBeGreaterThanOrEqual(500)
    expect(mean).toBeLessThan(700)
  })

  it("varies less by simulation, and more by experience, the more runs are known", () => {
    const width = ({ percentile }: Distribution.Distribution) => percentile(0.9) / percentile(0.1)
    const after = (samples: number) =>
      width(calibrated(simulated, { ratio: always(1, samples), makespanMs: always(1000, samples) }))
    expect(after(5)).toBeLessThan(after(1))
    expect(after(20)).toBeLessThan(after(5))
    expect(after(20)).toBeLessThan(width(simulated))
    const varied = { ratio: about(1, 0.3, 20), makespanMs: about(1000, 0.3, 20) }
    expect(width(calibrated(simulated, varied))).toBeGreaterThan(1.3)
  })

  it("lies between the forecasts, and has percentiles that never fall", () => {
    const amount = fc.double({ min: 1e-3, max: 1e6, noNaN: true })
    const one = fc
      .record({
        mean: amount,
        spread: fc.double({ min: 0, max: 0.9, noNaN: true }),
        n: fc.integer({ min: 1, max: 50 })
      })
      .map(({ mean, n, spread }) => about(mean, spread, n))
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 8 }),
        one,
        one,
        (samples, ratio, makespanMs) => {
          const raw = Distribution.of(samples)
          const { mean, percentile } = calibrated(raw, { ratio, makespanMs })
          const [low, high] = [raw.mean * ratio.mean, makespanMs.mean].toSorted((a, b) => a - b) as [
            number,
            number
          ]
          expect(mean).toBeGreaterThanOrEqual(low * (1 - 1e-9))
          expect(mean).toBeLessThanOrEqual(high * (1 + 1e-9))
          const quantiles = [0, 0.1, 0.5, 0.9, 1].map(percentile)
          for (const [i, value] of quantiles.entries()) {
            expect(value).toBeGreaterThanOrEqual(quantiles[i - 1] ?? 0)
            expect(Number.isFinite(value)).toBe(true)
          }
        }
      )
    )
  })
})
