/**
 * The round-trips benchmark: what runs on the engine `processes` say to Redis, from submission to the removed run, and
 * how long a task takes beside a bare script call.
 *
 *     node src/main.ts [--quick] [--only TEXT] [--out FILE]
 */
import { dirname } from "node:path"
import { parseArgs } from "node:util"
import { simple } from "@weft/planner-simple"
import { startRedis } from "@weft/testing"
import { processes } from "@weft/worker"
import * as callers from "@weft-benchmarks/overhead/callers"
import { chain, fan, image, type Shape, tree } from "@weft-benchmarks/overhead/shapes"
import { write } from "@weft-benchmarks/overhead/write"
import { submit } from "weft"
import { count, rawCost } from "./count.ts"
import { blocks } from "./planner.ts"
import * as report from "./report.ts"

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    out: { type: "string" }
  }
})

/** How many named workers, and how many processes. */
const WORKERS = 4
const PROCESSES = 2
const WARM_UPS = 3
const SAMPLES = 9

const server = await startRedis()
const engine = processes({ processes: PROCESSES })
const module = import.meta.resolve("@weft-benchmarks/overhead/tasks")

const once = async (shape: Shape, named: boolean) => {
  const nodes = shape.build(callers.weft)
  const submitted = performance.timeOrigin + performance.now()
  const handle = await submit(nodes, {
    engine,
    module,
    store: server.url,
    // What is counted is the protocol. Recording adds a command for each worker, and some when the run is over.
    metrics: false,
    history: "none",
    planner: named ? blocks(WORKERS) : simple()
  })
  let firstStart = Number.POSITIVE_INFINITY
  const following = (async () => {
    for await (const event of handle.events) {
      if (event.type !== "completed") continue
      for (const { measure } of event.nodes) firstStart = Math.min(firstStart, measure.startedAt)
    }
  })()
  const value = await handle.result()
  const wallMs = performance.timeOrigin + performance.now() - submitted
  await following
  if (value !== shape.expected)
    throw new Error(`${shape.name}: got ${String(value)}, expected ${shape.expected}`)
  const { bytesWritten, makespanMs, workers } = await handle.summary()
  return { bytesWritten, makespanMs, wallMs, workers, firstStartMs: firstStart - submitted }
}

const counted: Array<report.Counted> = []
const timed: Array<report.Timed> = []
try {
  const raw = await rawCost(server.url)
  console.log(
    `bare script call: ${raw.roundTrip.toFixed(1)} µs one by one, ${raw.pipelined.toFixed(1)} µs each of 100 together\n`
  )
  // Connects, and starts the processes: what is counted below is the runs'.
  const [, connecting] = await count(server.url, () => once(chain(2), false))
  console.log(report.countedHead())
  for (const shape of flags.quick ? [tree(8), fan(20)] : [tree(64), image(16, 8), fan(1000), chain(1000)]) {
    if (!shape.name.includes(flags.only)) continue
    for (const named of [false, true]) {
      const [{ bytesWritten, workers }, { bytes, commands, total }] = await count(server.url, () =>
        once(shape, named)
      )
      const one: report.Counted = {
        shape: shape.name,
        workers: named ? "named" : "flexible",
        invoked: workers,
        calls: shape.calls,
        commands: Object.fromEntries(commands),
        total,
        bytes,
        valueBytes: bytesWritten
      }
      counted.push(one)
      console.log(report.countedLine(one))
    }
  }
  console.log(
    `\nthe first run, which connects: ${report.commandsText(Object.fromEntries(connecting.commands))}\n`
  )
  console.log(report.timedHead())
  for (const shape of flags.quick ? [fan(50)] : [chain(1000), fan(1000), fan(10_000), fan(100_000)]) {
    if (!shape.name.includes(flags.only)) continue
    const samples = []
    // What runs first is slower: the code is not compiled yet.
    for (let i = 0; i < (flags.quick ? 0 : WARM_UPS); i++) await once(shape, false)
    for (let i = 0; i < (flags.quick ? 1 : SAMPLES); i++) samples.push(await once(shape, false))
    const one = report.timed(shape, samples, raw)
    timed.push(one)
    console.log(report.timedLine(one))
  }
  write(dirname(import.meta.dirname), "round-trips", { raw, counted, timed }, flags.out)
} finally {
  await engine.close()
  await server.stop()
}
