/**
 * What the next sample will be, from the samples of a sketch.
 *
 * Percentiles are predictive: of `n` samples the `k`-th smallest stands at `k / (n + 1)`, the share of further samples that
 * it exceeds on average whatever the distribution (type 6 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The
 * American Statistician, 1996). The largest of four is the 80th percentile, not the 100th; what lies beyond the largest
 * and below the smallest is extrapolated by a logistic distribution of the logarithms with the samples' spread. In
 * between, logarithms are interpolated. One sample, or samples that are all the same, give the same value everywhere.
 *
 * The mean is that of the samples, but few outliers do not move it: what lies far out (Tukey, "Exploratory Data Analysis",
 * 1977: three times the interquartile range beyond the quartile, here of logarithms) is counted as the fence, if it is a
 * single sample or at most 5 % of them. More than that is part of what happens.
 */
import * as Sketch from "./Sketch.ts"

export interface Distribution {
  readonly mean: number
  /** The value that a share `p` of further samples stays below. Never falls as `p` rises. */
  readonly percentile: (p: number) => number
}

/** Percentiles beyond these are as these: nobody has the samples to tell. */
const LEAST_SHARE = 0.001

/**
 * Beyond the samples logarithms are extrapolated with no larger standard deviation: a few samples near 0 among others say
 * nothing of what is far above these.
 */
const MOST_SPREAD = 1

/** Quartiles are taken to be at least 10 % apart, or all that is not quite constant would be far out. */
const LEAST_RANGE = Math.log(1.1)

/** `undefined` if there are no samples. */
export const of = (sketch: Sketch.Sketch): Distribution | undefined => {
  const points = Sketch.points(sketch)
  if (points.length === 0) return undefined
  const n = Math.max(1, Sketch.effective(sketch))
  const curve = new Curve(points, sketch.weight, n)
  return { mean: robustMean(sketch, points, n), percentile: (p) => curve.at(p) }
}

/** Piecewise interpolation: each value has the plateau of ranks that its samples take. */
class Curve {
  /** Shares of the samples, ascending, and the values there. */
  private readonly shares: Array<number> = []
  private readonly values: Array<number> = []
  private readonly n: number
  private readonly spread: number

  constructor(points: ReadonlyArray<readonly [number, number]>, weight: number, n: number) {
    this.n = n
    this.spread = Math.min(MOST_SPREAD, spreadOf(points, n))
    let before = 0
    for (const [value, own] of points) {
      const share = own / weight
      const margin = Math.min(0.5 / n, share / 2)
      this.shares.push(before + margin, before + share - margin)
      this.values.push(value, value)
      before += share
    }
  }

  at(p: number): number {
    const asked = Number.isNaN(p) ? 0.5 : Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, p))
    const { n, shares, values } = this
    const share = (asked * (n + 1) - 0.5) / n
    const last = shares.length - 1
    if (share <= shares[0]!) return Math.min(values[0]!, this.beyond(values[0]!, asked, shares[0]!))
    if (share >= shares[last]!)
      return Math.max(values[last]!, this.beyond(values[last]!, asked, shares[last]!))
    let low = 0
    let high = last
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (shares[middle]! <= share) low = middle
      else high = middle
    }
    const from = values[low]!
    const to = values[high]!
    const width = shares[high]! - shares[low]!
    if (from === to || width <= 0) return to
    const part = (share - shares[low]!) / width
    const value = from > 0 ? from * (to / from) ** part : from + (to - from) * part
    return Math.min(to, Math.max(from, value))
  }

  private beyond(value: number, p: number, share: number): number {
    const at = (share * this.n + 0.5) / (this.n + 1)
    return Math.min(Sketch.MOST, value * Math.exp(this.spread * (deviate(p) - deviate(at))))
  }
}

/** By how many standard deviations of a logistic distribution its percentile is off its mean. */
const deviate = (p: number) => (Math.log(p / (1 - p)) * Math.sqrt(3)) / Math.PI

/** The standard deviation of the logarithms. */
const spreadOf = (points: ReadonlyArray<readonly [number, number]>, n: number): number => {
  const positive = points.filter(([value]) => value > 0)
  const weight = positive.reduce((sum, [, own]) => sum + own, 0)
  if (positive.length < 2 || n <= 1) return 0
  const mean = positive.reduce((sum, [value, own]) => sum + Math.log(value) * own, 0) / weight
  const variance = positive.reduce((sum, [value, own]) => sum + (Math.log(value) - mean) ** 2 * own, 0)
  return Math.sqrt(((variance / weight) * n) / Math.max(1, n - 1))
}

const robustMean = (
  sketch: Sketch.Sketch,
  points: ReadonlyArray<readonly [number, number]>,
  n: number
): number => {
  const mean = Math.min(sketch.max, Math.max(sketch.min, sketch.sum / sketch.weight))
  const lower = Sketch.quantile(sketch, 0.25)!
  const upper = Sketch.quantile(sketch, 0.75)!
  if (lower <= 0) return mean
  const fence = upper * Math.exp(3 * Math.max(LEAST_RANGE, Math.log(upper / lower)))
  const far = points.filter(([value]) => value > fence)
  const share = far.reduce((sum, [, weight]) => sum + weight, 0) / sketch.weight
  // Of two samples nobody can say which is the outlier.
  if (far.length === 0 || n < 2.5 || share > Math.max(0.05, 1.5 / n)) return mean
  // Not from the exact sum: what a bin holds is not known as exactly, and far out that is much.
  return points.reduce((sum, [value, weight]) => sum + Math.min(value, fence) * weight, 0) / sketch.weight
}
