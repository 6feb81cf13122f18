/**
 * How a quantity depends on bytes: a curve through what is usual at each size that was measured.
 *
 * Behind it is a law, `fixed + perByte · bytes`, where that explains the measurements clearly better than no dependence does.
 * The law speaks where nothing was measured and outweighs few samples; where there are many the curve follows them, so that
 * what is not linear is predicted as well. Between two sizes logarithms are interpolated; beyond the least and the largest
 * the law goes on from there.
 *
 * Samples with no bytes stand apart: of a task, that no input came from elsewhere says nothing about how large the inputs are.
 */
import * as Laws from "./Laws.ts"
import * as Sketch from "./Sketch.ts"

/** What is usual with so many bytes. */
export interface Knot {
  readonly bytes: number
  /** Above 0. */
  readonly usual: number
  readonly weight: number
  /** How many samples it says as much as. */
  readonly samples: number
}

/** What is usual, by bytes. Positive. */
export type Shape = (bytes: number) => number

/** The law counts as much as so many samples. */
const PRIOR = 4
/** A dependence on bytes must leave less than this share of the squared errors. */
const EXPLAINS = 0.7

/**
 * @param rising whether more bytes can never take less
 */
export const make = (knots: ReadonlyArray<Knot>, rising: boolean): Shape => {
  const none = knots.find(({ bytes }) => bytes < 1)?.usual
  const sized = knots.filter(({ bytes }) => bytes >= 1).sort((a, b) => a.bytes - b.bytes)
  if (sized.length === 0) return () => none ?? 1
  const law = lawOf(sized)
  const logs = sized.map(({ bytes, samples, usual, weight }) => ({
    x: Math.log(bytes),
    y: (samples * Math.log(usual) + PRIOR * Math.log(law(bytes))) / (samples + PRIOR),
    weight
  }))
  if (rising) {
    const reversed = Laws.falling(logs.toReversed())
    for (const [i, y] of reversed.toReversed().entries()) logs[i] = { ...logs[i]!, y }
  }
  const first = sized[0]!.bytes
  const last = sized.at(-1)!.bytes
  const before = Math.exp(logs[0]!.y) / law(first)
  const after = Math.exp(logs.at(-1)!.y) / law(last)
  return (bytes) => {
    if (bytes < 1 && none !== undefined && !rising) return none
    if (bytes <= first) return Math.min(Sketch.MOST, law(bytes) * before)
    if (bytes >= last) return Math.min(Sketch.MOST, law(bytes) * after)
    return Math.exp(interpolate(logs, Math.log(bytes)))
  }
}

const lawOf = (knots: ReadonlyArray<Knot>): Shape => {
  const points = knots.map(({ bytes, usual, weight }) => ({ x: bytes, y: usual, weight }))
  const linear = Laws.line(points)
  const total = points.reduce((sum, { weight }) => sum + weight, 0)
  const constant = Math.exp(points.reduce((sum, { weight, y }) => sum + weight * Math.log(y), 0) / total)
  const error = points.reduce((sum, { weight, y }) => sum + weight * (constant / y - 1) ** 2, 0) / total
  if (linear.slope === 0 || linear.error > EXPLAINS * error) return () => constant
  // Through the origin, no bytes would take no time at all.
  const least = Math.min(...points.map(({ y }) => y)) * 1e-3
  return (bytes) => Math.max(least, linear.fixed + linear.slope * bytes)
}

const interpolate = (
  points: ReadonlyArray<{ readonly x: number; readonly y: number }>,
  x: number
): number => {
  let low = 0
  let high = points.length - 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (points[middle]!.x <= x) low = middle
    else high = middle
  }
  const from = points[low]!
  const to = points[high]!
  if (to.x <= from.x) return to.y
  return from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x)
}
