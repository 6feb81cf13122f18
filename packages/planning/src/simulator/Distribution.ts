/** Distributions of what was simulated, and how experience corrects them. */
import type { Predictions } from "@weft/core"

export interface Distribution {
  readonly mean: number
  /** The value that a share `p` (0 to 1) stays below. Never falls as `p` rises. */
  readonly percentile: (p: number) => number
  readonly samples: number
}

/** Of samples; linear between them. */
export const of = (samples: ReadonlyArray<number>): Distribution => {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    percentile: (p) => {
      const at = Math.min(1, Math.max(0, p)) * (sorted.length - 1)
      const below = Math.floor(at)
      const above = sorted[Math.min(sorted.length - 1, below + 1)]!
      return sorted[below]! + (above - sorted[below]!) * (at - below)
    },
    samples: sorted.length
  }
}

/** Quantiles that a product is made of, in each factor. */
const QUANTILES = 50
/** After so many runs half of the spread is what experience says. */
const HALF = 4

/**
 * A prediction times how earlier predictions turned out (real / predicted).
 *
 * Factors and predictions are independent: quantiles are those of all products. But factors vary because runs do, which
 * the prediction says as well; with n earlier runs its own spread counts with the power 4 / (4 + n), so that what is known
 * twice is not counted twice.
 */
export const calibrated = (raw: Distribution, factor: Predictions.Prediction | undefined): Distribution => {
  if (factor === undefined || !(factor.mean > 0) || !Number.isFinite(factor.mean)) return raw
  const power = HALF / (HALF + factor.samples)
  const products: Array<number> = []
  for (let i = 0; i < QUANTILES; i++) {
    const spread = raw.mean > 0 ? (raw.percentile((i + 0.5) / QUANTILES) / raw.mean) ** power : 0
    for (let k = 0; k < QUANTILES; k++)
      products.push(raw.mean * spread * Math.max(0, factor.percentile((k + 0.5) / QUANTILES)))
  }
  return { ...of(products), mean: raw.mean * factor.mean, samples: raw.samples }
}
