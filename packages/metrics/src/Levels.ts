/**
 * How a quantity depends on memory, as factors; more memory never makes it longer.
 *
 * Sizes that were measured have the factor that was measured; where these contradict the order they are averaged. In between
 * and beyond a law is followed, `wait + work / share(memory)` (see `Laws.memoryLaw`), kept between what was measured on both
 * sides. With one size only, the law comes from the processor time: what of the time was not computing at this memory's
 * share of a core was waiting, and stays. If more was computed than the share allows, the worker is not held to it, and
 * memory changes nothing. Where processor time is not known the worst is assumed: that less memory costs all that it can, and
 * more gains nothing.
 */
import * as Laws from "./Laws.ts"

/** What was measured at one memory size (MiB). */
export interface Measured {
  readonly memory: number
  readonly factor: number
  readonly weight: number
}

/** The factor at a memory size. Never rises. */
export type Levels = (memory: number) => number

/** Measured shares are this far off: periods of the scheduler, clocks. */
const TOLERANCE = 1.2

/**
 * @param measured by memory, ascending
 * @param processor the share of the time that is processor time, where memory was measured
 */
export const make = (measured: ReadonlyArray<Measured>, processor: number | undefined): Levels => {
  if (measured.length === 0) return () => 1
  if (measured.length === 1) return fromProcessor(measured[0]!, processor)
  const logs = Laws.falling(measured.map(({ factor, weight }) => ({ y: Math.log(factor), weight })))
  const points = measured.map(({ memory, weight }, i) => ({ x: memory, y: Math.exp(logs[i]!), weight }))
  const law = Laws.memoryLaw(points)
  return (memory) => {
    const next = points.findIndex(({ x }) => x >= memory)
    if (next >= 0 && points[next]!.x === memory) return points[next]!.y
    const lower = next === -1 ? points.at(-1) : points[next - 1]
    const upper = next === -1 ? undefined : points[next]
    return Math.max(upper?.y ?? 0, Math.min(lower?.y ?? Number.POSITIVE_INFINITY, law(memory)))
  }
}

const fromProcessor = ({ factor, memory: known }: Measured, processor: number | undefined): Levels => {
  if (processor === undefined) return (memory) => factor * Math.max(1, Laws.share(known) / Laws.share(memory))
  if (processor > Laws.share(known) * TOLERANCE) return () => factor
  const computing = Math.min(processor, Laws.share(known))
  const waiting = 1 - computing / Laws.share(known)
  return (memory) => factor * (memory === known ? 1 : waiting + computing / Laws.share(memory))
}
