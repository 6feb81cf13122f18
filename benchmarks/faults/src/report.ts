/** How the figures are shown. */
import { styleText } from "node:util"
import type { Outcome, Verdict } from "./repetition.ts"
import { LEASE_MS } from "./settings.ts"

const table = (widths: ReadonlyArray<number>) => (cells: ReadonlyArray<string>) =>
  cells.map((cell, i) => (widths[i]! > 0 ? cell.padStart(widths[i]!) : cell.padEnd(-widths[i]!))).join(" ")
const bold = (text: string) => styleText("bold", text, { stream: process.stdout })

export const median = (values: ReadonlyArray<number>): number | undefined =>
  values.toSorted((a, b) => a - b)[values.length >> 1]

export const most = (values: ReadonlyArray<number>): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values)

const seconds = (ms: number | undefined): string => (ms === undefined ? "–" : (ms / 1000).toFixed(2))

/** All repetitions of one fault. */
export interface Row {
  readonly fault: string
  readonly outcomes: ReadonlyArray<Outcome>
}

export const count = ({ outcomes }: Row, verdict: Verdict): number =>
  outcomes.filter((outcome) => outcome.verdict === verdict).length

const row = table([-77, 8, 6, 5, 7, 7, 9, 7])

export const head = (): string =>
  bold(row(["fault", "survived", "wrong", "hung", "run, s", "most", "again, s", "most"]))

export const line = (one: Row): string => {
  const runs = one.outcomes.map(({ runMs }) => runMs)
  const recoveries = one.outcomes.flatMap(({ recoveryMs }) => recoveryMs ?? [])
  return row([
    one.fault,
    ...(["survived", "wrong", "hung"] as const).map((verdict) => String(count(one, verdict))),
    ...[median(runs), most(runs), median(recoveries), most(recoveries)].map(seconds)
  ])
}

/** How long one kind of recovery took, each time, in ms. */
export interface Recovery {
  readonly lost: string
  readonly samples: ReadonlyArray<number>
}

const recoveryRow = table([-84, 9, 7, 18])

export const recoveryHead = (): string => bold(recoveryRow(["lost", "median, s", "most", "most, in leases"]))

export const recoveryLine = ({ lost, samples }: Recovery): string => {
  const longest = most(samples)
  const leases = longest === undefined ? "–" : (longest / LEASE_MS).toFixed(2)
  return recoveryRow([lost, seconds(median(samples)), seconds(longest), leases])
}
