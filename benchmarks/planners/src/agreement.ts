/**
 * The simulator against real runs: tasks that wait for known times, on the engines of one machine.
 *
 *     node --conditions=@weft/source benchmarks/planners/src/agreement.ts
 *
 * Waiting takes no processor, so that what is compared is what workers do, and not how busy the machine is. Prints, for each
 * engine and shape, the real makespan (median of runs, after one that is not counted) beside the simulated one.
 */
import { setTimeout as wait } from "node:timers/promises"
import { each, GraphBuilder, type Node, Planner, Predictions, task, workflow } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { Environment, Simulator } from "@weft/planning"
import * as Effect from "effect/Effect"
import { run } from "weft"

const MS = 60
const RUNS = 3

export const waits = task("waits", async (..._inputs: ReadonlyArray<unknown>) => {
  await wait(MS)
  return 1
})
export const list = task(
  "list",
  async (width: number) => {
    await wait(MS)
    return Array.from({ length: width }, (_, i) => i)
  },
  { hints: { width: 6 } }
)

const reduction = (leaves: number): Node<number> => {
  let level: ReadonlyArray<Node<number>> = Array.from({ length: leaves }, (_, i) => waits(i))
  while (level.length > 1)
    level = Array.from({ length: level.length / 2 }, (_, i) => waits(level[2 * i], level[2 * i + 1]))
  return level[0]!
}

const shapes: Readonly<Record<string, () => unknown>> = {
  chain: () => waits(waits(waits(1))),
  "fan-out": () => {
    const root = waits(0)
    return Array.from({ length: 8 }, () => waits(root))
  },
  reduction: () => reduction(8),
  lists: () => each(list(6), (item) => waits(waits(item)))
}

const flow = workflow(import.meta, (name: string) => shapes[name]!())
export default flow

const fixed = (mean: number): Predictions.Prediction => ({
  mean,
  percentile: () => mean,
  samples: 1,
  basis: "measured",
  extrapolation: 1
})

/** Tasks only wait: nothing is computed. */
const predictions: Predictions.Predictions = {
  ...Predictions.none,
  executionMs: () => fixed(MS),
  processorMs: () => fixed(0)
}

const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[values.length >> 1]!

const real = async (name: string, engine: "inline" | "threads") => {
  const makespans: Array<number> = []
  for (let i = 0; i <= RUNS; i++) {
    const began = performance.now()
    await run(flow, { input: name, engine })
    if (i > 0) makespans.push(performance.now() - began)
  }
  return median(makespans)
}

const main = async () => {
  for (const engine of ["inline", "threads"] as const) {
    for (const [name, build] of Object.entries(shapes)) {
      const { graph } = GraphBuilder.make(build(), name)
      const plan = await Effect.runPromise(Planner.run(simple(), graph, predictions))
      const environment = Environment.environmentOf({ name: engine })
      const simulated = await Effect.runPromise(
        Simulator.simulate({ graph, plan, predictions, environment, samples: 0 })
      )
      const [is, was] = [simulated.meanRunMs, await real(name, engine)]
      console.log(
        `${engine.padEnd(8)} ${name.padEnd(10)} real ${was.toFixed(0)} ms, simulated ${is.toFixed(0)} ms, ratio ${(is / was).toFixed(2)}`
      )
    }
  }
}

// Not awaited: workers on threads import this module, too.
if (import.meta.main) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    }
  )
}
