/**
 * How experience corrects what was simulated.
 *
 * There are two forecasts: the simulated makespan times how simulated ones turned out (real / predicted), and the makespans of
 * earlier runs as they were. The first is right if plans change, the second if only what is known of tasks has changed.
 * Their logarithms are averaged, each weighted by the inverse of its squared deviations so far (Bates and Granger, "The
 * Combination of Forecasts", Operational Research Quarterly 20(4), 1969).
 */
import type { Predictions } from "@weft/core"
import * as Distribution from "./Distribution.ts"

/** Quantiles that a product is made of, in each factor. */
const QUANTILES = 50
/** After so many runs half of the spread is what experience says. */
const HALF = 2
/** The variance of logarithms by which a run may be off others like it before any deviation is known: 10 %, squared. */
const PRIOR = 0.01

/**
 * A simulated makespan and experience.
 *
 * Experience varies because runs do, which the simulation says as well: with n earlier runs its own spread (around its median:
 * where runs lie beside its mean is what experience says) counts with the power 2 / (2 + n), so that what is known twice is
 * not counted twice. That few runs say little of what is usual adds a variance of 0.01 / n to that of the logarithms.
 */
export const calibrated = (
  raw: Distribution.Distribution,
  experience: Predictions.Calibration | undefined
): Distribution.Distribution => {
  if (experience === undefined || !isUsable(experience.ratio)) return raw
  const { makespanMs, ratio } = experience
  const byRatio = { factor: raw.mean, of: ratio }
  const forecasts = makespanMs && isUsable(makespanMs) ? [byRatio, { factor: 1, of: makespanMs }] : [byRatio]
  const precisions = forecasts.map(({ of }) => 1 / (PRIOR + of.samples * variance(of)))
  const all = precisions.reduce((sum, one) => sum + one, 0)
  /** The weighted geometric mean of what forecasts say. */
  const combined = (value: (prediction: Predictions.Prediction) => number) =>
    Math.exp(
      forecasts.reduce((sum, { factor, of }, i) => sum + precisions[i]! * Math.log(factor * value(of)), 0) /
        all
    )
  const power = HALF / (HALF + ratio.samples)
  const doubt = Math.sqrt(PRIOR / Math.max(1, ratio.samples))
  const usual = combined((of) => of.percentile(0.5))
  const middle = raw.percentile(0.5)
  const shares = Array.from({ length: QUANTILES }, (_, i) => (i + 0.5) / QUANTILES)
  const simulated = shares.map((p) => (middle > 0 ? (raw.percentile(p) / middle) ** power : 0))
  const experienced = shares.map((p) => {
    const seen = Math.log(combined((of) => of.percentile(p)) / usual)
    return usual * Math.exp(Math.sign(p - 0.5) * Math.hypot(seen, doubt * deviate(p)))
  })
  const products = simulated.flatMap((spread) => experienced.map((ms) => spread * ms))
  return { ...Distribution.of(products), mean: combined((of) => of.mean), samples: raw.samples }
}

/** By how many standard deviations of a logistic distribution its percentile is off its mean. */
const deviate = (p: number) => (Math.log(p / (1 - p)) * Math.sqrt(3)) / Math.PI

/** Runs that took no time have no logarithm. */
const isUsable = ({ mean, percentile }: Predictions.Prediction) =>
  mean > 0 && Number.isFinite(mean) && percentile(0.5) > 0

/** Of the logarithms, from the percentiles that lie one standard deviation off the median of a normal distribution. */
const variance = ({ percentile }: Predictions.Prediction): number => {
  const [low, high] = [percentile(0.16), percentile(0.84)]
  return low > 0 ? (Math.log(high / low) / 2) ** 2 : 0
}
