/**
 * What `weft simulate` prints.
 */
import { type About, best, type Compared, makespanBy } from "../simulate/Comparing.ts"
import type { Style } from "./Style.ts"
import { table } from "./Table.ts"
import { bytes, count, counted, duration } from "./Units.ts"

/** Columns of what is compared: the heading, and what a planner has there. */
const columns: ReadonlyArray<readonly [string, (one: Compared) => string]> = [
  ["makespan", ({ simulation }) => duration(simulation.makespanMs.mean)],
  ["p50", ({ simulation }) => duration(simulation.makespanMs.percentile(0.5))],
  ["p90", ({ simulation }) => duration(simulation.makespanMs.percentile(0.9))],
  ["GB-seconds", ({ simulation }) => significant(simulation.gbSeconds)],
  ["cost", ({ simulation }) => dollars(simulation.cost)],
  ["stored", ({ simulation }) => bytes(Math.round(simulation.bytes))],
  ["round trips", ({ simulation }) => count(simulation.roundTrips)],
  ["workers", ({ simulation }) => count(simulation.workers.length)],
  ["cold", ({ simulation }) => count(simulation.coldStarts)],
  ["planned in", ({ planningMs }) => duration(planningMs)]
]

export const lines = (
  compared: ReadonlyArray<Compared>,
  about: About,
  style: Style
): ReadonlyArray<string> => {
  const [first] = compared
  const winner = best(compared, about.sla)
  const instances = first!.simulation.instances.length
  return [
    `${about.workflow} on ${about.engine}: ${counted(instances, "instance")}, ${basis(about.runs)}`,
    "",
    ...table(
      [{ format: "bold" }, ...columns.map(() => ({ align: "right" as const }))],
      [
        ["planner", ...columns.map(([heading]) => heading)],
        ...compared.map((one) => [one.name, ...columns.map(([, of]) => of(one))])
      ],
      style
    ),
    "",
    ...(compared.length > 1 ? [verdict(compared, winner, about)] : []),
    ...warnings(first!, about)
  ]
}

const basis = (runs: number) =>
  runs === 0 ? "predicted without history" : `predicted from ${counted(runs, "earlier run")}`

const verdict = (compared: ReadonlyArray<Compared>, winner: Compared, { sla }: About) => {
  const by = sla === "average" ? "mean makespan" : `p${Number((sla * 100).toFixed(2))} of the makespan`
  const worst = Math.max(...compared.map((one) => makespanBy(one, sla)))
  const gain = worst / makespanBy(winner, sla)
  return gain < 1.005
    ? `By the ${by} the planners are alike.`
    : `By the ${by}, ${winner.name} is best: ${significant(gain)} times as fast as the slowest.`
}

const warnings = ({ simulation }: Compared, { runs }: About): ReadonlyArray<string> => {
  const { unknown } = simulation
  if (unknown.length === 0)
    return runs > 0 ? [] : ["Durations are those of hints: run the workflow to have them measured."]
  const shown = unknown.slice(0, 5).join(", ")
  return [
    `Nothing is known of how long ${shown}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ""} ${unknown.length === 1 ? "takes" : "take"}: ` +
      "100 ms is counted for each call, so compare plans with care. Run the workflow once, or give tasks hints: " +
      "task(name, fn, { hints: { executionMs: 200, outputBytes: 1e6 } })."
  ]
}

/** The same for other programs; times in ms. */
export const json = (
  compared: ReadonlyArray<Compared>,
  { engine, runs, sla, workflow }: About
): Readonly<Record<string, unknown>> => ({
  workflow,
  engine,
  sla,
  runs,
  best: best(compared, sla).name,
  planners: compared.map(({ name, plan, planningMs, simulation }) => ({
    planner: name,
    makespanMs: {
      mean: simulation.makespanMs.mean,
      p50: simulation.makespanMs.percentile(0.5),
      p90: simulation.makespanMs.percentile(0.9),
      samples: simulation.makespanMs.samples
    },
    gbSeconds: simulation.gbSeconds,
    costUsd: simulation.cost,
    bytesRead: simulation.bytesRead,
    bytesWritten: simulation.bytesWritten,
    roundTrips: simulation.roundTrips,
    workers: simulation.workers.length,
    coldStarts: simulation.coldStarts,
    planningMs,
    unknown: simulation.unknown,
    notes: plan.notes,
    timeline: simulation.instances
  }))
})

const significant = (value: number) => String(Number(value.toPrecision(3)))

const dollars = (value: number) => `$${value < 0.01 ? value.toFixed(6) : value.toFixed(4)}`
