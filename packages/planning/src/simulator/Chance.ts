/**
 * Samples of predicted distributions, by their inverse cumulative distribution.
 *
 * Runs differ as wholes: a busy machine or a slow network makes all of a run slower. Samples that were independent of each
 * other would average out over many tasks, and the makespan would hardly vary. So the percentiles of one run have a factor
 * in common (a one-factor Gaussian copula; Vasicek, "The distribution of loan portfolio value", Risk, 2002).
 */
import type { Predictions } from "@weft/core"

/** How much of the variance of each duration the runs have in common. */
const COMMON = 0.3
/** Percentiles are kept within these, where distributions are known well enough. */
const LEAST = 0.005

/** Which value of a distribution is counted with. */
export type Choice = (prediction: Predictions.Prediction) => number

/** The mean, always. */
export const mean: Choice = (prediction) => prediction.mean

/** Values as chance will have them in one run. */
export const sampled = (random: () => number): Choice => {
  const common = inverseNormal(inside(random()))
  return (prediction) => {
    const own = inverseNormal(inside(random()))
    const p = normal(Math.sqrt(COMMON) * common + Math.sqrt(1 - COMMON) * own)
    return prediction.percentile(Math.min(1 - LEAST, Math.max(LEAST, p)))
  }
}

const inside = (p: number) => Math.min(1 - 1e-6, Math.max(1e-6, p))

/** The cumulative normal distribution (Abramowitz and Stegun, 7.1.26; absolute error below 2e-7). */
const normal = (x: number): number => {
  const z = Math.abs(x) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * z)
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-z * z)
  return x >= 0 ? 1 - tail / 2 : tail / 2
}

/** Its inverse, by bisection with {@link normal}: what is asked for are few digits. */
const inverseNormal = (p: number): number => {
  let low = -6
  let high = 6
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (normal(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Random numbers from 0 to 1, by seed (Mulberry32). */
export { generator } from "@weft/worker/virtual"
