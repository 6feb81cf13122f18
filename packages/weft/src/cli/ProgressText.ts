/**
 * A run's progress as text: pure functions of what is to be shown.
 */
import { CliOutput } from "effect/cli"
import type { Progress } from "./Progress.ts"
import type { Style } from "./Style.ts"
import { fit } from "./Table.ts"
import { clock, count, counted, rate } from "./Units.ts"

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
const FRAME_MS = 100
const MOST_BAR = 32
const LEAST_BAR = 6
/** How long something must have run to be worth a look, in ms. */
const LONG_MS = 1000

/** The lines that are written over while a run is under way. */
export const liveLines = (
  progress: Progress,
  now: number,
  width: number,
  style: Style
): ReadonlyArray<string> => {
  const { done, total } = progress
  const elapsedMs = now - progress.startedAt
  const spinner = SPINNER[Math.floor(elapsedMs / FRAME_MS) % SPINNER.length]!
  const rest = numbers(progress, now)
  const name = fit(progress.workflow, Math.max(8, width - rest.length - 4))
  const room = width - CliOutput.displayWidth(`${spinner} ${name}    ${rest}`)
  const line = [
    `${style("cyan", spinner)} ${style("bold", name)}`,
    ...(room < LEAST_BAR ? [] : [bar(total === 0 ? 0 : done / total, Math.min(MOST_BAR, room), style)]),
    rest
  ].join("  ")
  const running = runningLine(progress, now, width)
  const away = awayText(progress, now)
  return [
    line,
    ...(away === undefined ? [] : [style("yellow", fit(`  ${away}`, width))]),
    ...(running === undefined ? [] : [style("dim", running)])
  ]
}

const numbers = (progress: Progress, now: number) => {
  const { done, lost, retries, total } = progress
  const perSecond = progress.rate(now)
  return [
    `${count(done)}/${count(total)}`,
    ...(perSecond === undefined ? [] : [rate(perSecond)]),
    ...(retries === 0 ? [] : [counted(retries, "retry", "retries")]),
    ...(lost === 0 ? [] : [`${counted(lost, "worker")} lost`]),
    clock(now - progress.startedAt)
  ].join("  ")
}

const bar = (share: number, width: number, style: Style) => {
  const filled = Math.min(width, Math.floor(share * width))
  return style("cyan", "━".repeat(filled)) + style("dim", "─".repeat(width - filled))
}

/** The calls that have run longest, as many as fit on a line. */
const runningLine = ({ running }: Progress, now: number, width: number): string | undefined => {
  const calls = [...running.values()].filter(({ since }) => now - since >= LONG_MS)
  if (calls.length === 0) return
  let line = "  running"
  for (const [i, { node, since }] of calls.entries()) {
    const next = `${line}  ${node} ${clock(now - since)}`
    const more = calls.length - i - 1
    const whole = more === 0 ? next : `${next}  +${more}`
    if (CliOutput.displayWidth(whole) > width) return i === 0 ? fit(next, width) : `${line}  +${more + 1}`
    line = next
  }
  return line
}

const awayText = ({ unreachableSince }: Progress, now: number) =>
  unreachableSince === undefined
    ? undefined
    : `the store does not answer; trying again for ${clock(now - unreachableSince)}`

/** The line for logs, every few seconds. */
export const plainLine = (progress: Progress, now: number): string => {
  const { done, lost, retries, running, total } = progress
  const perSecond = progress.rate(now)
  const oldest = running.values().next().value
  const away = awayText(progress, now)
  return [
    `${progress.workflow}: ${count(done)} of ${count(total)} done`,
    ...(perSecond === undefined ? [] : [rate(perSecond)]),
    ...(retries === 0 ? [] : [counted(retries, "retry", "retries")]),
    ...(lost === 0 ? [] : [`${counted(lost, "worker")} lost`]),
    ...(oldest === undefined || now - oldest.since < LONG_MS
      ? []
      : [`running ${oldest.node} for ${clock(now - oldest.since)}`]),
    ...(away === undefined ? [] : [away]),
    clock(now - progress.startedAt)
  ].join(", ")
}

/** What a task wrote, with the task in front of each line. */
export const outputLines = (node: string, text: string, style: Style): ReadonlyArray<string> =>
  text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${style("dim", `${node} │`)} ${line}`)
