/**
 * What recording metrics costs: shapes on the engine `inline`, with and without it, in turns and in one process, so that
 * whatever else the machine does meets both alike. Prints JSON.
 *
 *     node --expose-gc src/recording.ts ITERATIONS [quick]
 */
import { inline, submit } from "weft"
import * as callers from "./callers.ts"
import { median, type RecordingCost } from "./report.ts"
import { type Shape, shapes } from "./shapes.ts"

const iterations = Number(process.argv[2])
const isQuick = process.argv[3] === "quick"
/** Larger ones would take all the time, and say no more. */
const MOST_CALLS = 40_000
const PAIRS = isQuick ? 1 : 15
const WARM_UPS = isQuick ? 0 : 4

const module = new URL("./tasks.ts", import.meta.url).href

/** Processor time until the result, and until all is recorded, in ms: all is in this process, and it computes all the time. */
const sample = async (shape: Shape, metrics: false | { readonly upload: "stop" }) => {
  const nodes = shape.build(callers.weft)
  globalThis.gc?.()
  const begun = process.cpuUsage()
  const handle = await submit(nodes, { engine: inline(), module, metrics, history: "none" })
  await handle.result()
  const resultMs = busyMs(begun)
  // Else the next one would pay for it.
  await handle.summary()
  await handle[Symbol.asyncDispose]()
  return { resultMs, recordedMs: busyMs(begun) - resultMs }
}

const busyMs = (since: NodeJS.CpuUsage): number => {
  const { system, user } = process.cpuUsage(since)
  return (system + user) / 1000
}

const measure = async (shape: Shape): Promise<RecordingCost> => {
  const pairs: Array<{ on: Awaited<ReturnType<typeof sample>>; off: Awaited<ReturnType<typeof sample>> }> = []
  for (let i = -WARM_UPS; i < PAIRS; i++) {
    const first = i % 2 === 0
    const one = await sample(shape, first ? { upload: "stop" } : false)
    const other = await sample(shape, first ? false : { upload: "stop" })
    if (i >= 0) pairs.push(first ? { on: one, off: other } : { on: other, off: one })
  }
  const of = (key: "resultMs" | "recordedMs", which: "on" | "off") =>
    median(pairs.map((pair) => pair[which][key]))
  return {
    shape: shape.name,
    calls: shape.calls,
    onMs: of("resultMs", "on"),
    offMs: of("resultMs", "off"),
    ratio: median(pairs.map(({ off, on }) => on.resultMs / off.resultMs)),
    afterMs: of("recordedMs", "on") - of("recordedMs", "off")
  }
}

const costs: Array<RecordingCost> = []
for (const shape of shapes(iterations, isQuick)) {
  if (shape.calls <= MOST_CALLS) costs.push(await measure(shape))
}
process.stdout.write(JSON.stringify(costs))
