/**
 * Sketches: the distribution of positive numbers in bounded space, with a relative accuracy of 1 %.
 *
 * A DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
 * VLDB 2019): numbers are counted in bins whose bounds grow by a factor. Sketches of parts are merged into what the sketch
 * of all would have been; when there are too many bins the lowest are joined (section 3 of the paper), so that high
 * percentiles stay exact.
 *
 * Samples have weights, so that old ones can be faded. `@datadog/sketches-js` can add weighted samples, but cannot fade those
 * it has, loses minimum, maximum and sum when it is stored, and takes ranks for whole numbers, which they are not once
 * weights have been faded below one.
 */
import * as Schema from "effect/Schema"

/** How far a number may be off that was put into a bin, as a share of it. */
const ACCURACY = 0.01
const GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
const LOG_GROWTH = Math.log(GROWTH)

/** What is less than this is counted as zero. */
const LEAST = 1e-9
/** What is more than this is no measurement: 30,000 years in ms, a petabyte in bytes. */
export const MOST = 1e15
/** Covers a factor of 165 between the lowest and the highest number. */
const BINS = 256
/** Bins of less weight than this are forgotten, so that what is read and written does not grow with the runs. */
const FORGOTTEN = 1 / 256

/** A distribution. Made by {@link make}, changed by {@link add} only. */
export interface Sketch {
  /** How many samples there ever were, the forgotten ones as well. */
  count: number
  /** The samples' weights together; and their squares, which tell how many equal samples would say as much. */
  weight: number
  squares: number
  /** Weighted. */
  sum: number
  min: number
  max: number
  zero: number
  /** Weights by bin: bin `k` holds what is above `GROWTH ** (k - 1)`, up to `GROWTH ** k`. */
  readonly bins: Map<number, number>
}

export const make = (): Sketch => ({
  count: 0,
  weight: 0,
  squares: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: 0,
  zero: 0,
  bins: new Map()
})

/** Whether a number can be a measurement: not negative, not NaN, not absurd. */
export const isSample = (value: number): boolean => value >= 0 && value <= MOST

/**
 * Adds a sample; what cannot be one is passed over.
 *
 * @param weight how many samples it stands for, a billion at most
 */
export const add = (sketch: Sketch, value: number, weight = 1): void => {
  if (!isSample(value)) return
  const own = weight > FORGOTTEN && weight < 1e9 ? weight : 1
  sketch.count++
  sketch.weight += own
  sketch.squares += own * own
  sketch.sum += value * own
  sketch.min = Math.min(sketch.min, value)
  sketch.max = Math.max(sketch.max, value)
  if (value < LEAST) sketch.zero += own
  else put(sketch.bins, keyOf(value), own)
  if (sketch.bins.size > BINS) collapse(sketch.bins)
}

/** The sketch of some samples. */
export const of = (values: Iterable<number>): Sketch => {
  const sketch = make()
  for (const value of values) add(sketch, value)
  return sketch
}

/** Both together, a new sketch. */
export const merge = (a: Sketch, b: Sketch): Sketch => pool([{ sketch: a }, { sketch: b }])

/** Some samples, each of which is multiplied by a factor above 0. Default 1. */
export interface Part {
  readonly sketch: Sketch
  readonly factor?: number
}

/** All together, a new sketch. */
export const pool = (parts: Iterable<Part>): Sketch => {
  const all = make()
  for (const { factor = 1, sketch } of parts) {
    if (sketch.count === 0) continue
    const shift = Math.round(Math.log(factor) / LOG_GROWTH)
    // What would be out of range stays at its end.
    for (const [key, weight] of sketch.bins)
      put(all.bins, Math.min(LAST, Math.max(FIRST, key + shift)), weight)
    all.count += sketch.count
    all.weight += sketch.weight
    all.squares += sketch.squares
    all.sum += sketch.sum * factor
    all.min = Math.min(all.min, sketch.min * factor)
    all.max = Math.min(MOST, Math.max(all.max, sketch.max * factor))
    all.zero += sketch.zero
  }
  if (all.bins.size > BINS) collapse(all.bins)
  return all
}

/** The same samples with their weights multiplied by a factor up to 1; what then weighs next to nothing is forgotten. */
export const fade = (sketch: Sketch, factor: number): Sketch => {
  if (factor === 1) return sketch
  const bins = new Map<number, number>()
  for (const [key, weight] of sketch.bins) {
    if (weight * factor >= FORGOTTEN) bins.set(key, weight * factor)
  }
  const zero = sketch.zero * factor >= FORGOTTEN ? sketch.zero * factor : 0
  let weight = zero
  for (const one of bins.values()) weight += one
  if (weight === 0) return { ...make(), count: sketch.count }
  const faded: Sketch = {
    count: sketch.count,
    weight,
    squares: Math.min(sketch.squares * factor * factor, weight * weight),
    sum: sketch.sum * factor,
    min: sketch.min,
    max: sketch.max,
    zero,
    bins
  }
  if (bins.size !== sketch.bins.size || (zero === 0) !== (sketch.zero === 0)) tighten(faded)
  return faded
}

/** Values and weights, from the least value on. A value stands for a bin. */
export const points = (sketch: Sketch): ReadonlyArray<readonly [value: number, weight: number]> => {
  const { bins, max, min, zero } = sketch
  const within = (value: number) => Math.min(max, Math.max(min, value))
  const sorted = [...bins].sort(([a], [b]) => a - b)
  const result = sorted.map(([key, weight]) => [within(middleOf(key)), weight] as const)
  return zero > 0 ? [[0, zero], ...result] : result
}

/** How many samples of equal weight would say as much (Kish's effective sample size). */
export const effective = ({ squares, weight }: Sketch): number =>
  squares > 0 ? (weight * weight) / squares : 0

/** The value that half of the weight lies below; `undefined` if there is none. */
export const median = (sketch: Sketch): number | undefined => quantile(sketch, 0.5)

/** The value that a share (0 to 1) of the weight lies below: what was seen, with no allowance for how little that may be. */
export const quantile = (sketch: Sketch, share: number): number | undefined => {
  const all = points(sketch)
  const wanted = sketch.weight * share
  let before = 0
  for (const [i, [value, weight]] of all.entries()) {
    before += weight
    // An even number of samples: between the two in the middle.
    if (Math.abs(before - wanted) <= 1e-9 * sketch.weight)
      return Math.sqrt(value * (all[i + 1]?.[0] ?? value))
    if (before > wanted) return value
  }
  return all.at(-1)?.[0]
}

const keyOf = (value: number) => Math.ceil(Math.log(value) / LOG_GROWTH)
/** In the middle of the bin, as far from its one end as from the other in proportion. */
const middleOf = (key: number) => (2 * GROWTH ** key) / (1 + GROWTH)
const FIRST = keyOf(LEAST)
const LAST = keyOf(MOST)

const put = (bins: Map<number, number>, key: number, weight: number) =>
  bins.set(key, (bins.get(key) ?? 0) + weight)

/** Joins the lowest bins until there are few enough. */
const collapse = (bins: Map<number, number>) => {
  const keys = [...bins.keys()].sort((a, b) => a - b)
  const surplus = keys.length - BINS
  const lowest = keys[surplus]!
  for (const key of keys.slice(0, surplus)) {
    put(bins, lowest, bins.get(key)!)
    bins.delete(key)
  }
}

/** Minimum, maximum and sum after bins were forgotten: no wider than the bins that are left. */
const tighten = (sketch: Sketch) => {
  let least = sketch.zero > 0 ? 0 : Number.POSITIVE_INFINITY
  let most = 0
  let sum = 0
  for (const [key, weight] of sketch.bins) {
    least = Math.min(least, GROWTH ** (key - 1))
    most = Math.max(most, GROWTH ** key)
    sum += middleOf(key) * weight
  }
  sketch.min = Math.max(sketch.min, least)
  sketch.max = Math.max(sketch.min, Math.min(sketch.max, most))
  sketch.sum = sum
}

const Amount = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/** How a sketch is stored: its fields by their initials, keys and weights of its bins as two lists. */
export const Encoded = Schema.Struct({
  n: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  q: Amount,
  s: Amount,
  min: Amount,
  max: Amount,
  z: Amount,
  k: Schema.instanceOf(Int16Array),
  w: Schema.instanceOf(Float32Array)
}).pipe(
  Schema.check(
    Schema.makeFilter(
      ({ k, max, min, w }) =>
        (k.length === w.length &&
          k.length <= BINS &&
          min <= max &&
          max <= MOST &&
          k.every((key, i) => key >= FIRST && key <= LAST && (i === 0 || key > k[i - 1]!)) &&
          w.every((weight) => weight > 0 && Number.isFinite(weight))) ||
        "bins that ascend, with weights above 0"
    )
  )
)
export type Encoded = typeof Encoded.Type

export const encode = ({ bins, count, max, min, squares, sum, zero }: Sketch): Encoded => {
  const keys = [...bins.keys()].sort((a, b) => a - b)
  return {
    n: count,
    q: squares,
    s: sum,
    min: Math.min(min, max),
    max,
    z: zero,
    k: Int16Array.from(keys),
    w: Float32Array.from(keys, (key) => bins.get(key)!)
  }
}

/** What {@link encode} made, checked by {@link Encoded}. */
export const decode = ({ k, max, min, n, q, s, w, z }: Encoded): Sketch => {
  const bins = new Map<number, number>()
  for (const [i, key] of k.entries()) bins.set(key, w[i]!)
  const weight = w.reduce((sum, one) => sum + one, z)
  if (weight === 0) return { ...make(), count: n }
  return {
    count: n,
    weight,
    // Between one sample that has all the weight and as many as were ever seen.
    squares: Math.min(weight * weight, Math.max(q, (weight * weight) / Math.max(1, n))),
    sum: Math.min(max * weight, Math.max(min * weight, s)),
    min,
    max,
    zero: z,
    bins
  }
}
