/** Distributions of what was simulated. */

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
