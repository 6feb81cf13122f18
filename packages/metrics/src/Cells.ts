/**
 * Cells: samples by the memory and the bytes that they were measured with. Each cell has a sketch of its own, so that laws are
 * fitted to what is kept and not to what earlier laws left of it.
 *
 * Bytes are told apart by quarters of an octave (19 %). There are at most {@link CELLS} cells: then neighbours in bytes that
 * weigh least are joined.
 */
import * as Schema from "effect/Schema"
import * as Sketch from "./Sketch.ts"

export interface Cell {
  /** In MiB; 0 where workers have no sizes, or where memory does not matter. */
  readonly memory: number
  /** Which quarter of an octave; 0 for no bytes. */
  readonly bucket: number
  /** Weighted mean, least and most of the samples' bytes. */
  readonly bytes: number
  readonly least: number
  readonly most: number
  readonly sketch: Sketch.Sketch
}

export type Cells = ReadonlyArray<Cell>

export const none: Cells = []

const CELLS = 32
/** A memory size more than this takes the place of the one that weighs least. */
const MEMORY_SIZES = 10

/** More memory (MiB) than this has nobody: a terabyte. */
const LARGEST = 2 ** 20

/** A sample: a quantity, and what it was measured with. */
export interface Sample {
  /** In MiB, a whole number. Default 0. */
  readonly memory?: number | undefined
  readonly bytes?: number
  readonly value: number
  /** How many samples it stands for. Default 1. */
  readonly weight?: number | undefined
}

/** The cells of some samples; what cannot be one is passed over. */
export const of = (samples: Iterable<Sample>): Cells => {
  const cells = new Map<number, Cell>()
  for (const { bytes = 0, memory = 0, value, weight = 1 } of samples) {
    if (!(Sketch.isSample(bytes) && Sketch.isSample(value) && memory >= 0 && memory <= LARGEST)) continue
    const size = Math.round(memory)
    const bucket = bucketOf(bytes)
    const key = keyOf(size, bucket)
    const cell = cells.get(key)
    const sketch = cell?.sketch ?? Sketch.make()
    const before = sketch.weight
    Sketch.add(sketch, value, weight)
    cells.set(key, {
      memory: size,
      bucket,
      bytes: ((cell?.bytes ?? 0) * before + bytes * (sketch.weight - before)) / sketch.weight,
      least: Math.min(cell?.least ?? bytes, bytes),
      most: Math.max(cell?.most ?? bytes, bytes),
      sketch
    })
  }
  return bounded([...cells.values()])
}

/** Older: the same samples, counting less. */
export const fade = (cells: Cells, factor: number): Cells =>
  cells.flatMap((cell) => {
    const sketch = Sketch.fade(cell.sketch, factor)
    return sketch.weight > 0 ? [{ ...cell, sketch }] : []
  })

/** The samples of both. */
export const merge = (old: Cells, delta: Cells): Cells => {
  const cells = new Map(old.map((cell) => [keyOf(cell.memory, cell.bucket), cell]))
  for (const cell of delta) {
    const key = keyOf(cell.memory, cell.bucket)
    const known = cells.get(key)
    cells.set(key, known === undefined ? cell : join(known, cell))
  }
  return bounded([...cells.values()])
}

/** The number of a cell: two samples with the same belong together. */
export const keyOf = (memory: number, bucket: number): number => memory * 1024 + bucket

/** The bucket of so many bytes. */
export const bucketOf = (bytes: number) => (bytes < 1 ? 0 : 1 + Math.floor(4 * Math.log2(bytes)))

const join = (a: Cell, b: Cell): Cell => {
  const sketch = Sketch.merge(a.sketch, b.sketch)
  const heavier = a.sketch.weight >= b.sketch.weight ? a : b
  const bytes = (a.bytes * a.sketch.weight + b.bytes * b.sketch.weight) / sketch.weight
  const least = Math.min(a.least, b.least)
  const most = Math.max(a.most, b.most)
  return {
    memory: a.memory,
    bucket: heavier.bucket,
    bytes: Math.min(most, Math.max(least, bytes)),
    least,
    most,
    sketch
  }
}

/** As few cells as there may be, by memory and bytes ascending. */
const bounded = (all: ReadonlyArray<Cell>): Cells => {
  const bySize = [...Map.groupBy(all, ({ memory }) => memory).values()]
  const weight = (cells: ReadonlyArray<Cell>) => cells.reduce((sum, { sketch }) => sum + sketch.weight, 0)
  const kept = bySize.sort((a, b) => weight(b) - weight(a)).slice(0, MEMORY_SIZES)
  const cells = kept.flat().sort((a, b) => a.memory - b.memory || a.bucket - b.bucket)
  while (cells.length > CELLS) {
    let lightest = 0
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i + 1 < cells.length; i++) {
      const [one, next] = [cells[i]!, cells[i + 1]!]
      const together = one.sketch.weight + next.sketch.weight
      if (one.memory !== next.memory || together >= least) continue
      lightest = i
      least = together
    }
    cells.splice(lightest, 2, join(cells[lightest]!, cells[lightest + 1]!))
  }
  return cells
}

const upTo = (maximum: number) => Schema.isBetween({ minimum: 0, maximum })
const Size = Schema.Int.pipe(Schema.check(upTo(LARGEST)))
const Bucket = Schema.Int.pipe(Schema.check(upTo(1023)))
const Bytes = Schema.Finite.pipe(Schema.check(upTo(Sketch.MOST)))

/** How cells are stored: tuples of a cell's fields in their order. */
export const Encoded = Schema.Array(Schema.Tuple([Size, Bucket, Bytes, Bytes, Bytes, Sketch.Encoded])).pipe(
  Schema.check(Schema.isMaxLength(CELLS))
)
export type Encoded = typeof Encoded.Type

export const encode = (cells: Cells): Encoded =>
  cells.map(({ bucket, bytes, least, memory, most, sketch }) => [
    memory,
    bucket,
    bytes,
    least,
    most,
    Sketch.encode(sketch)
  ])

/** What {@link encode} made, checked by {@link Encoded}. */
export const decode = (encoded: Encoded): Cells =>
  encoded.flatMap(([memory, bucket, bytes, least, most, sketch]) => {
    const decoded = Sketch.decode(sketch)
    if (decoded.weight === 0 || least > most) return []
    return [{ memory, bucket, bytes: Math.min(most, Math.max(least, bytes)), least, most, sketch: decoded }]
  })
