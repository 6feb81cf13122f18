/**
 * Predictions of one quantity by memory and bytes, from its cells: `level(memory) · shape(bytes) · residual`.
 *
 * The level and the shape are fitted in turn to the medians of the cells (an additive model of logarithms); the residual is
 * the distribution of the samples as ratios to these centres. One residual serves all memory sizes, so that with more memory
 * no percentile gets longer. Each size in bytes has its own: of the samples near it, for small transfers vary by factors
 * where large ones vary by shares.
 */
import type { Predictions } from "@weft/core"
import type * as Cells from "./Cells.ts"
import { bucketOf } from "./Cells.ts"
import * as Distribution from "./Distribution.ts"
import * as Levels from "./Levels.ts"
import * as Shape from "./Shape.ts"
import * as Sketch from "./Sketch.ts"

export interface Quantity {
  readonly predict: (shape: Predictions.CallShape) => Predictions.Prediction
  /** What is usual with the memory that was measured most. */
  readonly usual: (bytes: number) => number
}

export interface QuantityOptions {
  /** Whether more bytes can never take less. Default: no. */
  readonly rising?: boolean
  /**
   * Another quantity that says how much of this one is processor time; see `Levels`. Default: unknown.
   */
  readonly processor?: Quantity | undefined
  /**
   * Whether memory makes a difference; if not, the cells' sizes are taken for the same. Default: yes. Cells without a size
   * then count only where there are no others.
   */
  readonly sized?: boolean
}

/** Laws and logarithms need more than nothing: a nanosecond, and less than any byte. */
const LEAST = 1e-6
/** So many samples make a residual: where a size in bytes has fewer, those of the sizes next to it count as well. */
const MANY = 20
const ROUNDS = 4

interface Entry extends Cells.Cell {
  readonly usual: number
  readonly samples: number
}

/** `undefined` if there are no cells. */
export const make = (cells: Cells.Cells, options: QuantityOptions = {}): Quantity | undefined => {
  const hasSizes = options.sized !== false && cells.some(({ memory }) => memory > 0)
  const entries = cells.flatMap((cell): ReadonlyArray<Entry> => {
    const usual = Sketch.median(cell.sketch)
    if (usual === undefined || (hasSizes && cell.memory === 0)) return []
    const memory = hasSizes ? cell.memory : 0
    return [{ ...cell, memory, usual: Math.max(LEAST, usual), samples: Sketch.effective(cell.sketch) }]
  })
  return entries.length === 0 ? undefined : new Fitted(entries, options).quantity
}

class Fitted {
  private readonly shape: Shape.Shape
  private readonly levels: Levels.Levels
  private readonly memories: ReadonlyArray<Levels.Measured>
  private readonly heaviest: number
  private readonly total: number
  private readonly samples: ReadonlyMap<number, number>
  private readonly bytes: readonly [least: number, most: number]
  private readonly ratios: ReadonlyArray<Ratio>
  private readonly residuals = new Map<number, Distribution.Distribution>()
  private readonly marginal: () => Distribution.Distribution
  private readonly known = new Map<number, Pick<Known, "factor" | "basis" | "samples" | "beyond">>()

  constructor(entries: ReadonlyArray<Entry>, { processor, rising = false }: QuantityOptions) {
    const { measured, shape } = fit(entries, rising)
    this.shape = shape
    this.memories = measured
    this.heaviest = measured.reduce((most, one) => (one.weight > most.weight ? one : most)).memory
    const ratio =
      processor === undefined || measured.length !== 1
        ? undefined
        : mean(entries, ({ bytes, usual }) => processor.usual(bytes) / usual)
    this.levels = measured[0]!.memory === 0 ? () => measured[0]!.factor : Levels.make(measured, ratio)
    this.samples = new Map(
      [...Map.groupBy(entries, ({ memory }) => memory)].map(([memory, own]) => [memory, counted(own)])
    )
    this.total = counted(entries)
    const sized = entries.filter(({ bucket }) => bucket > 0)
    this.bytes = [
      Math.min(...entries.map(({ least }) => least)),
      // That nothing came from elsewhere does not bound how large inputs have been.
      sized.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...sized.map(({ most }) => most))
    ]
    this.ratios = entries.map(({ bucket, bytes, memory, sketch }) => ({
      bucket,
      sketch,
      factor: 1 / (this.levels(memory) * shape(bytes))
    }))
    this.marginal = lazily(entries.map(({ memory, sketch }) => ({ sketch, factor: 1 / this.levels(memory) })))
  }

  get quantity(): Quantity {
    return {
      usual: (bytes) => this.levels(this.heaviest) * this.shape(bytes),
      predict: ({ inputBytes, memory }) => {
        const at = this.at(memory)
        if (inputBytes === undefined || !(inputBytes >= 0))
          return predicted(at, 1, this.marginal(), at.beyond)
        const beyond = Math.max(at.beyond, outside(inputBytes, ...this.bytes, 1))
        return predicted(at, this.shape(inputBytes), this.residual(bucketOf(inputBytes)), beyond)
      }
    }
  }

  /**
   * How samples near a size in bytes differ from what is usual: the nearest, until there are many. With each octave that others
   * are further away they count for half.
   */
  private residual(bucket: number): Distribution.Distribution {
    const known = this.residuals.get(bucket)
    if (known !== undefined) return known
    const near = [...Map.groupBy(this.ratios, (ratio) => Math.abs(ratio.bucket - bucket))].sort(
      ([a], [b]) => a - b
    )
    const nearest = near[0]![0]
    const parts: Array<Ratio> = []
    let samples = 0
    for (const [quarters, own] of near) {
      if (samples >= MANY) break
      const weight = 2 ** ((nearest - quarters) / 4)
      parts.push(...own.map((ratio) => ({ ...ratio, sketch: Sketch.fade(ratio.sketch, weight) })))
      samples += own.reduce((sum, { sketch }) => sum + Sketch.effective(sketch), 0)
    }
    const made = Distribution.of(Sketch.pool(parts))!
    this.residuals.set(bucket, made)
    return made
  }

  /** What is known of a memory size. */
  private at(memory: number | undefined) {
    const size = memory !== undefined && memory > 0 ? memory : this.heaviest
    const known = this.known.get(size)
    if (known !== undefined) return known
    // Size 0: memory makes no difference.
    const same = this.samples.get(this.memories[0]!.memory === 0 ? 0 : size)
    const made = {
      factor: this.levels(size),
      basis: same === undefined ? ("scaled" as const) : ("measured" as const),
      samples: same ?? this.total,
      beyond:
        same === undefined ? outside(size, this.memories[0]!.memory, this.memories.at(-1)!.memory, 0) : 1
    }
    this.known.set(size, made)
    return made
  }
}

/** Samples of one size in bytes, and what makes them ratios to what is usual. */
interface Ratio extends Sketch.Part {
  readonly bucket: number
}

interface Known {
  readonly factor: number
  readonly basis: Predictions.Basis
  readonly samples: number
  /** How far outside of what was measured. */
  readonly beyond: number
}

const predicted = (
  { basis, factor, samples }: Known,
  usual: number,
  residual: Distribution.Distribution,
  extrapolation: number
): Predictions.Prediction => {
  const centre = factor * usual
  return {
    mean: Math.min(Sketch.MOST, centre * residual.mean),
    percentile: (p) => Math.min(Sketch.MOST, centre * residual.percentile(p)),
    samples,
    basis,
    extrapolation
  }
}

/** By what factor a value lies outside of a range. */
const outside = (value: number, least: number, most: number, offset: number): number => {
  if (value > most) return (value + offset) / (most + offset)
  return value < least ? (least + offset) / (value + offset) : 1
}

const fit = (entries: ReadonlyArray<Entry>, rising: boolean) => {
  const byMemory = [...Map.groupBy(entries, ({ memory }) => memory)].sort(([a], [b]) => a - b)
  const byBucket = [...Map.groupBy(entries, ({ bucket }) => bucket).values()]
  const levels = new Map(byMemory.map(([memory]) => [memory, 1]))
  const shapeNow = () =>
    Shape.make(
      byBucket.map((own) => ({
        bytes: mean(own, ({ bytes }) => bytes),
        usual: Math.exp(mean(own, ({ memory, usual }) => Math.log(usual / levels.get(memory)!))),
        weight: own.reduce((sum, { sketch }) => sum + sketch.weight, 0),
        samples: own.reduce((sum, { samples }) => sum + samples, 0)
      })),
      rising
    )
  let shape = shapeNow()
  for (let round = 0; round < (levels.size > 1 ? ROUNDS : 0); round++) {
    for (const [memory, own] of byMemory)
      levels.set(memory, Math.exp(mean(own, ({ bytes, usual }) => Math.log(usual / shape(bytes)))))
    shape = shapeNow()
  }
  const measured = byMemory.map(([memory, own]) => ({
    memory,
    factor: levels.get(memory)!,
    weight: own.reduce((sum, { sketch }) => sum + sketch.weight, 0)
  }))
  return { measured, shape }
}

const mean = (entries: ReadonlyArray<Entry>, of: (entry: Entry) => number): number => {
  let [sum, weight] = [0, 0]
  for (const entry of entries) {
    sum += of(entry) * entry.sketch.weight
    weight += entry.sketch.weight
  }
  return sum / weight
}

const counted = (entries: ReadonlyArray<Entry>) => entries.reduce((sum, { sketch }) => sum + sketch.count, 0)

/** The distribution of what cells have together, made when it is first asked for. */
const lazily = (parts: ReadonlyArray<Sketch.Part>): (() => Distribution.Distribution) => {
  let made: Distribution.Distribution | undefined
  return () => (made ??= Distribution.of(Sketch.pool(parts))!)
}
