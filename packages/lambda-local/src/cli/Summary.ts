/**
 * What has happened, for people.
 */
import type { InvocationRecord, Report } from "../Report.ts"
import { count, counted, dollars, rounded } from "./Units.ts"

/** The summary's lines: what there was in all, and a row for each version of a function. */
export const summaryLines = ({ destinations, invocations, lost, totals }: Report): ReadonlyArray<string> => {
  if (totals.invocations === 0 && lost.length === 0 && totals.throttles === 0)
    return ["No function was invoked."]
  const parts = [
    counted(totals.invocations, "invocation"),
    counted(totals.coldStarts, "cold start"),
    counted(totals.errors, "error"),
    ...(totals.throttles > 0 ? [`${count(totals.throttles)} throttled`] : []),
    ...(lost.length > 0 ? [`${counted(lost.length, "event")} lost`] : []),
    ...(destinations.length > 0 ? [`${count(destinations.length)} sent to destinations`] : []),
    `at most ${counted(totals.mostEnvironments, "environment")} at once`,
    `${rounded(totals.gbSeconds)} GB-seconds`,
    dollars(totals.usd)
  ]
  return [parts.join(", "), ...(totals.invocations === 0 ? [] : ["", ...table(rows(invocations))])]
}

const HEAD = ["function", "invoked", "cold", "errors", "median ms", "95 % ms", "init ms", "memory MB", "GB-s"]

const rows = (invocations: ReadonlyArray<InvocationRecord>): ReadonlyArray<ReadonlyArray<string>> => {
  const byVersion = Map.groupBy(invocations, ({ functionName, version }) => `${functionName}:${version}`)
  return [
    HEAD,
    ...[...byVersion]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, records]) => {
        const durations = sorted(records.map(({ durationMs }) => durationMs))
        const inits = sorted(records.flatMap(({ initMs }) => initMs ?? []))
        const used = Math.max(...records.map(({ maxMemoryMiB }) => maxMemoryMiB))
        return [
          name,
          count(records.length),
          count(records.filter(({ start }) => start === "cold").length),
          count(records.filter(({ error }) => error !== undefined).length),
          rounded(quantile(durations, 0.5)),
          rounded(quantile(durations, 0.95)),
          inits.length === 0 ? "" : rounded(quantile(inits, 0.5)),
          `${rounded(used)}/${records[0]!.memoryMiB}`,
          rounded(records.reduce((sum, { gbSeconds }) => sum + gbSeconds, 0))
        ]
      })
  ]
}

const sorted = (values: Array<number>) => values.sort((a, b) => a - b)

const quantile = (values: ReadonlyArray<number>, share: number) =>
  values[Math.min(values.length - 1, Math.floor(values.length * share))]!

const table = (cells: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)))
  return cells.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")
  )
}
