/**
 * How long planning takes, for graphs of several shapes and sizes: in ms of a processor, as a multiple of one evaluation of the timing
 * model, and as the exponent of growth from one size to the next (n log n grows with 1.1 to 1.2).
 *
 *     node --conditions=@weft/source src/planning.ts [--sizes 100,1000,10000] [--planners report2,uniform] [--out FILE]
 *
 * Planners see past runs through `Predictions` only, summaries that do not grow with the number of runs: planning time does
 * not depend on it. What the predictor's own answers take is no part of this.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { Planner } from "@weft/core"
import { report2 } from "@weft/planner-report2"
import { simple } from "@weft/planner-simple"
import { uniform } from "@weft/planner-uniform"
import { Baselines, Model, Search } from "@weft/planning"
import * as Effect from "effect/Effect"
import { fans, grid, layered, numbers, randomKinds, synthetic, tree } from "./graphs.ts"

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "100,1000,10000" },
    planners: { type: "string", default: "simple,uniform,report2,heft" },
    shapes: { type: "string", default: "layered,tree,fans,grid" },
    out: { type: "string" }
  }
})

const shapes: Readonly<Record<string, (size: number) => ReadonlyArray<ReadonlyArray<number>>>> = {
  layered: (size) => layered(size, 1),
  tree,
  fans,
  grid
}

const planners: Readonly<Record<string, () => Planner.AnyPlanner>> = {
  simple: () => simple(),
  uniform: () => uniform(),
  report2: () => report2(),
  heft: () => Baselines.heft(),
  random: () => Baselines.random()
}

/** What is named, or an error that says which names there are. */
const chosen = <A>(all: Readonly<Record<string, A>>, names: string): ReadonlyArray<readonly [string, A]> =>
  names.split(",").map((name) => {
    const found = all[name]
    if (found === undefined) throw new RangeError(`there is no "${name}": ${Object.keys(all).join(", ")}`)
    return [name, found]
  })

interface Measured {
  readonly shape: string
  readonly planner: string
  readonly nodes: number
  readonly edges: number
  readonly ms: number
  readonly evaluationMs: number
  /** From the size before. */
  readonly exponent: number | undefined
}

/** Processor time of this thread, in ms: what else runs on the machine does not count. */
const processorMs = () => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1000
}

/** How long one of several runs takes on average, the first left out; the clock is too coarse for one. */
const measure = (run: () => void): number => {
  const first = processorMs()
  run()
  const firstMs = processorMs() - first
  if (firstMs > 5000) return firstMs
  const began = processorMs()
  for (let times = 1; ; times++) {
    run()
    const tookMs = processorMs() - began
    if (tookMs > 200) return tookMs / times
  }
}

const KINDS = 20
const header = ["shape", "planner", "nodes", "edges", "ms", "exponent", "evaluations' worth"]
const widths = [8, 8, 7, 7, 9, 8, 18]
const print = (cells: ReadonlyArray<string>) =>
  console.log(
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")
  )

const results: Array<Measured> = []
print(header)
for (const [shape, make] of chosen(shapes, flags.shapes)) {
  for (const size of flags.sizes.split(",").map(Number)) {
    const from = numbers(size)
    const kinds = randomKinds(KINDS, from)
    const { graph, predictions } = synthetic(make(size), kinds, () => from.whole(0, KINDS - 1))
    const model = Model.make(graph, predictions)
    const assignment = Search.place(model, { memory: 1769, maxWorkers: 1000, tasksPerWorker: 100 })
    const evaluationMs = measure(() => Search.evaluate(model, assignment))
    for (const [planner, makePlanner] of chosen(planners, flags.planners)) {
      const ms = measure(() => Effect.runSync(Planner.run(makePlanner(), graph, predictions)))
      const before = results.findLast((one) => one.shape === shape && one.planner === planner)
      const exponent =
        before === undefined ? undefined : Math.log(ms / before.ms) / Math.log(graph.size / before.nodes)
      const measured = {
        shape,
        planner,
        nodes: graph.size,
        edges: graph.parents.list.length,
        ms,
        evaluationMs,
        exponent
      }
      results.push(measured)
      print([
        shape,
        planner,
        String(measured.nodes),
        String(measured.edges),
        ms.toFixed(1),
        exponent?.toFixed(2) ?? "",
        (ms / evaluationMs).toFixed(0)
      ])
    }
  }
}
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(results, undefined, 2)}\n`)
