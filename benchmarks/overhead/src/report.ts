/**
 * What is measured, and how it is shown.
 */
import { styleText } from "node:util"

/** The engines that are measured; `processes` over a Redis of their own. */
export const engineNames = ["inline", "threads", "processes"] as const
export type EngineName = (typeof engineNames)[number]

/** What a measuring process is asked for. */
export interface Job {
  readonly shape: string
  readonly engine: EngineName
  readonly iterations: number
  readonly quick: boolean
}

/** What it answers; times are of the whole shape, one for each sample, in ms. */
export interface Measured {
  readonly shape: string
  readonly engine: EngineName
  readonly calls: number
  /** From the first invocation to the last target's completion. */
  readonly makespanMs: ReadonlyArray<number>
  /** From `submit` to the result. */
  readonly wallMs: ReadonlyArray<number>
  readonly baselineMs: ReadonlyArray<number>
  /** Time in tasks / (makespan × threads), for the shape that computes. */
  readonly efficiency: ReadonlyArray<number>
  readonly baselineEfficiency: ReadonlyArray<number>
  /** The most memory of the process while weft ran. */
  readonly peakMiB: number
}

/** What has no baseline. */
export interface Facts {
  readonly imageNodes: number
  readonly imageBytes: number
  readonly builtNodes: number
  readonly buildMs: number
  readonly buildPeakMiB: number
  readonly leaves: number
  /** Heap that the tree's graph takes, and the most that running it took beyond that. */
  readonly treeGraphMiB: number
  readonly treeRunMiB: number
}

/** What recording metrics costs on one shape: processor time until the result, in ms, with and without. */
export interface RecordingCost {
  readonly shape: string
  readonly calls: number
  readonly onMs: number
  readonly offMs: number
  /** The median over pairs of runs. */
  readonly ratio: number
  /** What is done after the result, beside what a run without metrics takes to end. */
  readonly afterMs: number
}

/** One line on the cost of recording. */
export const recordingLine = ({ afterMs, calls, offMs, onMs, ratio, shape }: RecordingCost): string => {
  const us = (ms: number) => ((ms * 1000) / calls).toFixed(2)
  return (
    `recording, ${shape}: ${us(onMs)} µs/task with, ${us(offMs)} without, ratio ${ratio.toFixed(3)}; ` +
    `after the result ${afterMs.toFixed(1)} ms more`
  )
}

/** The cost over all shapes. */
export const recordingSum = (costs: ReadonlyArray<RecordingCost>): string => {
  const sum = (of: "onMs" | "offMs") => costs.reduce((total, cost) => total + cost[of], 0)
  const [on, off] = [sum("onMs"), sum("offMs")]
  return `recording, all shapes: ${on.toFixed(0)} ms with, ${off.toFixed(0)} without, ratio ${(on / off).toFixed(3)}`
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const COLUMNS = [34, 9, 9, 9, 9, 10, 8, 8] as const
const row = (cells: ReadonlyArray<string>) =>
  cells.map((cell, i) => (i < 2 ? cell.padEnd(COLUMNS[i]!) : cell.padStart(COLUMNS[i]!))).join(" ")

/** The table's head. */
export const head = (): string =>
  styleText("bold", row(["case", "engine", "µs/task", "min", "wall", "baseline", "ratio", "MiB"]), {
    stream: process.stdout
  })

/** One line of the table: µs per task by makespan (median, least), by wall time, of the baseline, and the ratio. */
export const line = ({ baselineMs, calls, engine, makespanMs, peakMiB, shape, wallMs }: Measured): string => {
  const perTask = (ms: number) => {
    const us = (ms * 1000) / calls
    return us < 1000 ? us.toFixed(2) : us.toFixed(0)
  }
  return row([
    shape,
    engine,
    perTask(median(makespanMs)),
    perTask(Math.min(...makespanMs)),
    perTask(median(wallMs)),
    perTask(median(baselineMs)),
    `${(median(makespanMs) / median(baselineMs)).toFixed(2)} ×`,
    peakMiB.toFixed(0)
  ])
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

/** How well the threads were used, where tasks computed. */
export const efficiency = ({
  baselineEfficiency,
  efficiency,
  engine,
  shape
}: Measured): string | undefined =>
  efficiency.length === 0
    ? undefined
    : `${shape} on ${engine}: efficiency ${percent(median(efficiency))}, baseline ${percent(median(baselineEfficiency))}, ` +
      `ratio ${(median(efficiency) / median(baselineEfficiency)).toFixed(3)}`

/** The facts, a line each. */
export const factLines = (facts: Facts): ReadonlyArray<string> => [
  `building a graph of ${facts.builtNodes.toLocaleString("en")} nodes: ${(facts.buildMs / 1000).toFixed(2)} s, peak ${facts.buildPeakMiB.toFixed(0)} MiB`,
  `encoding the image graph of ${facts.imageNodes} nodes: ${facts.imageBytes} bytes`,
  `tree reduction of ${facts.leaves.toLocaleString("en")} leaves: heap of the graph ${facts.treeGraphMiB.toFixed(0)} MiB, of the run at most ${facts.treeRunMiB.toFixed(0)} MiB more`
]
