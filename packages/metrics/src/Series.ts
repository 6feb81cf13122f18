/**
 * Series: what was measured of one quantity over the runs, the recent ones counting more.
 *
 * With each run that measures it, what is known loses weight: half of it in {@link HALF_LIFE} runs. So noise averages out over
 * many runs. A run that is off to one side of all that was usual counts for a quarter: it may be an odd one. If the next is
 * off to the same side, the quantity has changed (a task was rewritten, a disk is slower), and what was before is as good as
 * forgotten, so that the third run is predicted from the new.
 */
import * as Schema from "effect/Schema"
import * as Cells from "./Cells.ts"
import * as Sketch from "./Sketch.ts"

export interface Series {
  /** How many runs measured it. */
  readonly runs: number
  /** How many runs in a row were off to the same side: above 0 for more than usual, below for less. */
  readonly drift: number
  readonly cells: Cells.Cells
}

export const none: Series = { runs: 0, drift: 0, cells: Cells.none }

/** In runs. */
const HALF_LIFE = 10
const USUAL = 0.5 ** (1 / HALF_LIFE)
/** What is left of what was before once it has changed. */
const CHANGED = 1 / 256
/** How much a run counts that may be an odd one. */
const ODD = 1 / 4

/** What one run measured. */
export const of = (samples: Iterable<Cells.Sample>): Series => {
  const cells = Cells.of(samples)
  return { runs: cells.length === 0 ? 0 : 1, drift: 0, cells }
}

/** A series, and what one more run measured. */
export const merge = (old: Series, delta: Series): Series => {
  if (delta.cells.length === 0) return old
  if (old.cells.length === 0) return { ...delta, runs: old.runs + delta.runs }
  const side = compare(old.cells, delta.cells)
  // What was measured where nothing was known says nothing about a drift.
  const drift = side === undefined ? old.drift : side * old.drift > 0 ? old.drift + side : side
  const isOff = side === 1 || side === -1
  const cells = Cells.fade(delta.cells, isOff && Math.abs(drift) === 1 ? ODD : 1)
  const before = Cells.fade(old.cells, isOff && Math.abs(drift) >= 2 ? CHANGED : USUAL)
  return { runs: old.runs + delta.runs, drift, cells: Cells.merge(before, cells) }
}

/** What is known of fewer samples than this says nothing about what is usual. */
const FEW = 3
/** At least so far beyond the quartiles is unusual, however close they are. */
const MARGIN = 1.2

/**
 * 1 if most of what was measured again is above all that was usual, -1 if it is below, else 0; `undefined` if nothing was
 * measured again.
 */
const compare = (old: Cells.Cells, delta: Cells.Cells): 1 | 0 | -1 | undefined => {
  const known = new Map(old.map((cell) => [Cells.keyOf(cell.memory, cell.bucket), cell.sketch]))
  let [compared, above, below] = [0, 0, 0]
  for (const { bucket, memory, sketch } of delta) {
    const before = known.get(Cells.keyOf(memory, bucket))
    if (before === undefined || before.count < FEW) continue
    const now = Sketch.median(sketch)!
    compared += sketch.weight
    // Quartiles, since the run before may have been odd already; beyond them by as much as they are apart, as Tukey's fences.
    const lower = Sketch.quantile(before, 0.25)!
    const upper = Sketch.quantile(before, 0.75)!
    const margin = Math.max(MARGIN, upper / lower)
    if (now > upper * margin) above += sketch.weight
    else if (now * margin < lower) below += sketch.weight
  }
  if (compared === 0) return undefined
  if (above > 0.6 * compared) return 1
  return below > 0.6 * compared ? -1 : 0
}

/** How a series is stored. */
export const Encoded = Schema.Struct({
  runs: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  drift: Schema.Int,
  cells: Cells.Encoded
})
export type Encoded = typeof Encoded.Type

export const encode = ({ cells, drift, runs }: Series): Encoded => ({
  runs,
  drift,
  cells: Cells.encode(cells)
})

/** What {@link encode} made, checked by {@link Encoded}. */
export const decode = ({ cells, drift, runs }: Encoded): Series => ({
  runs,
  drift,
  cells: Cells.decode(cells)
})
