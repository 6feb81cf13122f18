/** What is measured, and how it is shown. */
import { styleText } from "node:util"
import type { Shape } from "@weft-benchmarks/overhead/shapes"

/** What one run said to Redis. */
export interface Counted {
  readonly shape: string
  readonly workers: "flexible" | "named"
  /** How many workers completed something. */
  readonly invoked: number
  readonly calls: number
  readonly commands: Readonly<Record<string, number>>
  readonly total: number
  /** All bytes that Redis was sent, and those of values among them. */
  readonly bytes: number
  readonly valueBytes: number
}

/** What runs took; times are medians over some runs. */
export interface Timed {
  readonly shape: string
  readonly calls: number
  /** From the first invocation to the last target, per task, in µs. */
  readonly taskUs: number
  /** That, beside a script call that is sent alone, and one of many that are sent together. */
  readonly ofRoundTrip: number
  readonly ofPipelined: number
  /** From `submit` to the start of the first task, in ms, and its share of the time to the result. */
  readonly firstStartMs: number
  readonly firstStartShare: number
}

interface Sample {
  readonly makespanMs: number
  readonly wallMs: number
  readonly firstStartMs: number
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Sums up some runs of a shape. */
export const timed = (
  { calls, name }: Shape,
  samples: ReadonlyArray<Sample>,
  raw: { readonly roundTrip: number; readonly pipelined: number }
): Timed => {
  const taskUs = (median(samples.map(({ makespanMs }) => makespanMs)) * 1000) / calls
  return {
    shape: name,
    calls,
    taskUs,
    ofRoundTrip: taskUs / raw.roundTrip,
    ofPipelined: taskUs / raw.pipelined,
    firstStartMs: median(samples.map(({ firstStartMs }) => firstStartMs)),
    firstStartShare: median(samples.map(({ firstStartMs, wallMs }) => firstStartMs / wallMs))
  }
}

const table = (widths: ReadonlyArray<number>) => (cells: ReadonlyArray<string>) =>
  cells.map((cell, i) => (widths[i]! > 0 ? cell.padStart(widths[i]!) : cell.padEnd(-widths[i]!))).join(" ")
const bold = (text: string) => styleText("bold", text, { stream: process.stdout })

const countedRow = table([-26, -9, 8, 9, 9, 11, 11, -1])

export const countedHead = (): string =>
  bold(
    countedRow(["case", "workers", "invoked", "commands", "per task", "KB sent", "KB values", " commands"])
  )

/** Commands by name, the most first. */
export const commandsText = (commands: Counted["commands"]): string =>
  Object.entries(commands)
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${times} ${name}`)
    .join(", ")

export const countedLine = ({
  bytes,
  calls,
  commands,
  invoked,
  shape,
  total,
  valueBytes,
  workers
}: Counted): string =>
  countedRow([
    shape,
    workers,
    String(invoked),
    String(total),
    (total / calls).toFixed(2),
    (bytes / 1000).toFixed(1),
    (valueBytes / 1000).toFixed(1),
    ` ${commandsText(commands)}`
  ])

const timedRow = table([-26, 9, 14, 14, 14, 8])

export const timedHead = (): string =>
  bold(timedRow(["case", "µs/task", "× round trip", "× pipelined", "1st start", "share"]))

export const timedLine = (one: Timed): string =>
  timedRow([
    one.shape,
    one.taskUs.toFixed(1),
    one.ofRoundTrip.toFixed(2),
    one.ofPipelined.toFixed(2),
    `${one.firstStartMs.toFixed(0)} ms`,
    `${(100 * one.firstStartShare).toFixed(0)} %`
  ])
