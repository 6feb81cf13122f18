/**
 * Whether planning takes longer when more runs are known: reading predictions and planning, with 10 and with 10,000 runs in the
 * history, in turn.
 *
 *     node --conditions=@weft/source benchmarks/planners/src/history.ts [--nodes 1000] [--times 21]
 */
import { parseArgs } from "node:util"
import { GraphBuilder, GraphCodec, Planner, task } from "@weft/core"
import { Learning, Predictor } from "@weft/metrics"
import { report2 } from "@weft/planner-report2"
import { History } from "@weft/storage"
import * as Effect from "effect/Effect"
import { median } from "./figures.ts"

const { values: flags } = parseArgs({
  options: { nodes: { type: "string", default: "1000" }, times: { type: "string", default: "21" } }
})
const RUNS = [10, 10_000] as const

const load = task("load", (_: number) => new Uint8Array())
const add = task("add", (_: Uint8Array, __: Uint8Array) => new Uint8Array())

/** A reduction: leaves of one task, pairs of another. */
const graph = (() => {
  let level = Array.from({ length: Math.ceil(Number(flags.nodes) / 2) }, (_, i) => load(i))
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      2 * i + 1 < level.length ? add(level[2 * i]!, level[2 * i + 1]!) : level[2 * i]!
    )
  return GraphBuilder.make(level[0], "reduction").graph
})()
const signature = GraphCodec.signature(graph)
const idOf = (name: string) =>
  Array.from({ length: graph.size }, (_, id) => id).find((id) => graph.name(id) === name)!
const ids = [idOf("load"), idOf("add")]

/** What a run of some calls would have measured; no two are alike. */
const facts = (run: number) => {
  const jitter = () => 0.8 + 0.4 * Math.random()
  const node = (instance: number, ms: number, bytes: number) => ({
    instance,
    worker: 0,
    attempt: 1,
    startedMs: 0,
    inputsMs: 2 * jitter(),
    executionMs: ms * jitter(),
    processorMs: undefined,
    publishMs: jitter(),
    inputBytes: bytes,
    readBytes: bytes,
    preloadedBytes: 0,
    preloadedMs: 0,
    outputBytes: 100_000 * jitter(),
    writtenBytes: 100_000,
    tries: 1
  })
  return {
    run: `run-${run}`,
    workflow: "reduction",
    signature,
    planner: "report2",
    engine: "lambda",
    status: "succeeded" as const,
    begunAt: 1_700_000_000_000 + run * 60_000,
    makespanMs: 1000 * jitter(),
    nodes: [node(ids[0]!, 50, 0), node(ids[1]!, 20, 200_000)],
    workers: [
      {
        worker: "w",
        named: false,
        memory: [512, 1024, 1769][run % 3],
        invokedMs: 0,
        beganMs: 50 * jitter(),
        endedMs: 900,
        cold: run % 4 === 0,
        loadMs: 1,
        roundTrips: 4,
        callsMs: [jitter()],
        invokesMs: [20 * jitter()],
        prewarmed: 0,
        bytesRead: 0,
        bytesWritten: 0
      }
    ],
    widths: [],
    taskOf: (id: number) => (id === ids[0] ? "load" : "add")
  }
}

const historyOf = (runs: number) => {
  const history = History.makeMemory()
  const learned = Effect.forEach(
    Array.from({ length: runs }, (_, i) => i),
    (run) => Learning.learn(facts(run), { rawMs: 1000, start: "warm" }),
    { discard: true }
  )
  return Effect.as(Effect.provideService(learned, History, history), history)
}

const planned = (history: History["Service"]) =>
  Effect.gen(function* () {
    const began = performance.now()
    const predictions = yield* Predictor.load(graph, "lambda")
    yield* Planner.run(report2(), graph, predictions)
    return performance.now() - began
  }).pipe(Effect.provideService(History, history))

const [few, many] = [await Effect.runPromise(historyOf(RUNS[0])), await Effect.runPromise(historyOf(RUNS[1]))]
const times: [Array<number>, Array<number>] = [[], []]
for (let i = 0; i < Number(flags.times) + 2; i++) {
  for (const [which, history] of [few, many].entries()) {
    const ms = await Effect.runPromise(planned(history))
    // The first ones are compiled on the way.
    if (i >= 2) times[which]!.push(ms)
  }
}
const [a, b] = times.map(median) as [number, number]
console.log(
  `${graph.size} nodes, reading predictions and planning (report2): ${a.toFixed(1)} ms with ${RUNS[0]} runs in the history, ` +
    `${b.toFixed(1)} ms with ${RUNS[1].toLocaleString("en")}: ratio ${(b / a).toFixed(3)}`
)
