/**
 * Small fits: lines and memory laws with coefficients that are not negative, and orders that measurements contradict.
 */

/** A point that a law should pass, and how much it counts. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly weight: number
}

/** `y = fixed + slope · x`, neither negative. */
export interface Line {
  readonly fixed: number
  readonly slope: number
  /** What is left of the squared relative errors, per weight. */
  readonly error: number
}

/**
 * The line that leaves the least squared relative errors: what is twice as long may be twice as far off. Non-negative least
 * squares of two coefficients: either both are positive, or one of them is zero (Lawson and Hanson, "Solving Least Squares
 * Problems", 1974, chapter 23).
 *
 * @param points with `y` above 0
 */
export const line = (points: ReadonlyArray<Point>): Line => {
  let [w, x, y, xx, xy] = [0, 0, 0, 0, 0]
  // Relative to the largest, or squares of bytes lose their digits.
  const unit = points.reduce((most, point) => Math.max(most, point.x), 0) || 1
  for (const point of points) {
    const weight = point.weight / point.y ** 2
    const at = point.x / unit
    w += weight
    x += weight * at
    y += weight * point.y
    xx += weight * at * at
    xy += weight * at * point.y
  }
  const determinant = w * xx - x * x
  const candidates = [{ fixed: w > 0 ? y / w : 0, slope: 0 }]
  if (xx > 0) candidates.push({ fixed: 0, slope: xy / xx })
  if (determinant > 1e-12 * w * xx) {
    candidates.push({ fixed: (xx * y - x * xy) / determinant, slope: (w * xy - x * y) / determinant })
  }
  const total = points.reduce((sum, { weight }) => sum + weight, 0)
  let best: Line = { fixed: 0, slope: 0, error: Number.POSITIVE_INFINITY }
  for (const { fixed, slope } of candidates) {
    if (!(fixed >= 0 && slope >= 0)) continue
    const error =
      points.reduce(
        (sum, point) => sum + point.weight * ((fixed + (slope * point.x) / unit) / point.y - 1) ** 2,
        0
      ) / total
    if (error < best.error) best = { fixed, slope: slope / unit, error }
  }
  return best
}

/**
 * The values nearest to the given ones that never rise: neighbours that do are replaced by their mean (pool adjacent
 * violators; Ayer et al., 1955).
 */
export const falling = (values: ReadonlyArray<Pick<Point, "y" | "weight">>): ReadonlyArray<number> => {
  const blocks: Array<{ y: number; weight: number; length: number }> = []
  for (const { weight, y } of values) {
    let block = { y, weight, length: 1 }
    for (let last = blocks.at(-1); last !== undefined && last.y < block.y; last = blocks.at(-1)) {
      blocks.pop()
      const together = last.weight + block.weight
      block = {
        y: (last.y * last.weight + block.y * block.weight) / together,
        weight: together,
        length: last.length + block.length
      }
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ length, y }) => new Array<number>(length).fill(y))
}

/** One whole core on AWS Lambda, in MiB of memory: processor time is given in proportion to memory. */
export const CORE_MIB = 1769

/** Whole cores that a task may make use of, at most. 10,240 MiB, the largest size on AWS Lambda, are six. */
const CORES = [1, 2, 3, 4, 5, 6]

/** What share of one core a memory size gives, if up to so many cores are of use. */
export const share = (memory: number, cores = 1): number => Math.min(memory / CORE_MIB, cores)

/**
 * How long something takes with so much memory (MiB): `wait + work / share(memory)`, of as many cores as fit best. Of
 * measurements with one memory size, none: the mean.
 *
 * @param points memory sizes and times above 0
 */
export const memoryLaw = (points: ReadonlyArray<Point>): ((memory: number) => number) => {
  let best = { ...line(points.map(({ weight, y }) => ({ x: 0, y, weight }))), cores: 1 }
  for (const cores of CORES) {
    const fit = line(points.map(({ weight, x, y }) => ({ x: 1 / share(x, cores), y, weight })))
    // More cores need to explain more.
    if (fit.error < best.error * 0.99 - 1e-9) best = { ...fit, cores }
  }
  const { cores, fixed, slope } = best
  return (memory) => fixed + slope / share(memory, cores)
}
