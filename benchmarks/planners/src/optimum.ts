/**
 * How far plans are from the best there is, as the timing model sees both: on small graphs beside the optimum over all
 * assignments to at most four workers, on large ones beside the lower bound max(critical path, work / workers).
 *
 *     node --conditions=@weft/source src/optimum.ts [--graphs 200] [--out FILE]
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { Plan, Planner } from "@weft/core"
import { report2 } from "@weft/planner-report2"
import { simple } from "@weft/planner-simple"
import { uniform } from "@weft/planner-uniform"
import { Assignment, Baselines, Model, Search, Timeline } from "@weft/planning"
import * as Effect from "effect/Effect"
import { fromPlan } from "./fromPlan.ts"
import {
  anyGraph,
  fans,
  grid,
  layered,
  numbers,
  randomKinds,
  type Synthetic,
  synthetic,
  tree
} from "./graphs.ts"

const { values: flags } = parseArgs({
  options: { graphs: { type: "string", default: "200" }, out: { type: "string" } }
})

/** One size for all: what differs is where nodes run. */
const MEMORY = 1769
const WORKERS = 4

const planners = (most: number): ReadonlyArray<Planner.AnyPlanner> => [
  uniform({ memorySizes: [MEMORY], maxWorkers: most }),
  report2({ memorySizes: [MEMORY], maxWorkers: most }),
  simple({ memory: MEMORY }),
  Baselines.heft({ memorySizes: [MEMORY], workers: most }),
  Baselines.single({ memorySizes: [MEMORY] })
]
/** Random placement is the median of so many seeds. */
const SEEDS = 5

const makespanOf = (model: Model.Model, planner: Planner.AnyPlanner) => {
  const plan = Effect.runSync(Planner.run(planner, model.graph, model.predictions))
  Plan.check(plan, model.graph, planner.annotations)
  return Timeline.evaluate(model, fromPlan(plan, model.graph)).makespanMs
}

const randomMs = (model: Model.Model, workers: number) =>
  quantile(
    Array.from({ length: SEEDS }, (_, seed) =>
      makespanOf(model, Baselines.random({ memorySizes: [MEMORY], workers, seed }))
    ),
    0.5
  )

/** The least makespan over all placements on named workers, each with all inputs preloaded or none, and all flexible. */
const optimum = (model: Model.Model): number => {
  const { size } = model.graph
  const assignment = Assignment.flexible(model.graph, MEMORY)
  let least = Timeline.evaluate(model, assignment).makespanMs
  const place = (node: number, used: number) => {
    if (node === size) {
      for (const preload of [0, 1]) {
        assignment.preload.fill(preload)
        least = Math.min(least, Timeline.evaluate(model, assignment).makespanMs)
      }
      return
    }
    // Workers are alike: the first unused one stands for all that are unused.
    for (let worker = 0; worker < Math.min(used + 1, WORKERS); worker++) {
      assignment.worker[node] = worker
      place(node + 1, Math.max(used, worker + 1))
    }
  }
  place(0, 0)
  return least
}

/** No run is shorter, however it is placed: neither the longest path nor the work fits into less. */
const lowerBound = (model: Model.Model, workers: number): number => {
  const executionMs = model.executionMs(MEMORY)
  const rank = Search.upwardRank(model, MEMORY)
  const start = model.invokeMs + model.startMs("cold", MEMORY) + model.callMs
  const work = executionMs.reduce((sum, one) => sum + one, 0)
  return (
    start +
    Math.max(
      rank.reduce((a, b) => Math.max(a, b), 0),
      work / workers
    )
  )
}

const quantile = (values: ReadonlyArray<number>, p: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!
}

type Ratios = Map<string, Array<number>>

const compare = (ratios: Ratios, model: Model.Model, workers: number, best: number) => {
  const add = (name: string, value: number) => ratios.set(name, [...(ratios.get(name) ?? []), value / best])
  const random = randomMs(model, workers)
  add("random", random)
  for (const planner of planners(workers)) add(planner.name, makespanOf(model, planner))
}

const print = (title: string, ratios: Ratios) => {
  console.log(`\n${title}\n`)
  const random = ratios.get("random")!
  const rows = [...ratios].map(([name, values]) => [
    name,
    quantile(values, 0.5).toFixed(3),
    quantile(values, 0.9).toFixed(3),
    Math.max(...values).toFixed(3),
    quantile(
      values.map((value, i) => value / random[i]!),
      0.5
    ).toFixed(3)
  ])
  const all = [["planner", "median", "P90", "worst", "median of planner / random"], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  for (const row of all)
    console.log(
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")
    )
  return Object.fromEntries(
    rows.map(([name, median, p90, worst, random]) => [name, { median, p90, worst, random }])
  )
}

const modelOf = ({ graph, predictions }: Synthetic) =>
  Model.make(graph, predictions, { environment: { memorySizes: [MEMORY] } })

const smallRatios: Ratios = new Map()
const count = Number(flags.graphs)
for (let seed = 1; seed <= count; seed++) {
  const from = numbers(seed)
  const parents = anyGraph(from.whole(2, 8), from)
  const kinds = randomKinds(parents.length, from)
  const model = modelOf(synthetic(parents, kinds, (node) => node))
  compare(smallRatios, model, WORKERS, optimum(model))
}
const results: Record<string, unknown> = {}
results.small = print(
  `makespan / optimum: ${count} random graphs of 2 to 8 nodes, ${WORKERS} workers`,
  smallRatios
)

const largeRatios: Ratios = new Map()
const MANY = 16
for (const size of [100, 400]) {
  for (let seed = 1; seed <= 5; seed++) {
    const from = numbers(seed)
    for (const parents of [layered(size, seed), tree(size), fans(size), grid(size)]) {
      const kinds = randomKinds(8, from)
      const model = modelOf(synthetic(parents, kinds, () => from.whole(0, kinds.length - 1)))
      compare(largeRatios, model, MANY, lowerBound(model, MANY))
    }
  }
}
results.large = print(`makespan / lower bound: 40 graphs of 100 and 400 nodes, ${MANY} workers`, largeRatios)
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(results, undefined, 2)}\n`)
