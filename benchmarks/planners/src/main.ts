/**
 * Every planner on every workflow: what was predicted beside what really was, on a cloud on this machine.
 *
 *     node src/main.ts [--workflows a,b] [--planners a,b] [--rounds N] [--quick] [--out FOLDER]
 *
 * The first two rounds are planned without history; the rounds after them with what all rounds before have measured. In every
 * other round all environments are new. Baselines that only stand for comparison run in the last two rounds.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { isDeepStrictEqual, parseArgs } from "node:util"
import { write } from "@weft-benchmarks/overhead/write"
import { type Node, submit, workflow } from "weft"
import { iterationsPerMs } from "./calibrate.ts"
import { type Cloud, CONCURRENCY, startCloud } from "./cloud.ts"
import { accuracy, BASELINES, ENOUGH_RUNS, PASTS, type Sample, typical, worth } from "./figures.ts"
import { page } from "./page.ts"
import { behaviourModules, environment, planners, withoutHistory } from "./planners.ts"
import * as traceTasks from "./traceTasks.ts"
import { type Replay, read, replay, scaled, timeFor } from "./wfcommons.ts"
import * as own from "./workflows.ts"

const folder = dirname(import.meta.dirname)

const { values: flags } = parseArgs({
  options: {
    workflows: { type: "string" },
    planners: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    out: { type: "string" }
  }
})

const speed = iterationsPerMs()
const scale: own.Scale = { iterationsPerMs: speed, work: flags.quick ? 0.2 : 1 }
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 10))
/** So many are planned without history: one in new environments, and one in environments that are there. */
const UNKNOWING = 2

/** All calls of a trace, one after the other, on a whole core. */
const TRACE_MS = 2500 * scale.work
/** What all values of a trace have together. */
const TRACE_BYTES = 24 * 2 ** 20
const TRACES = ["blast-chameleon-small-001", "epigenomics-chameleon-hep-1seq-100k-001"].concat(
  "montage-chameleon-2mass-005d-001",
  "soykb-chameleon-10fastq-10ch-001"
)

const traces = TRACES.map((file) => {
  const trace = read(readFileSync(join(folder, "traces", `${file}.json`), "utf8"))
  const bytes = trace.calls.reduce((sum, { outputBytes }) => sum + outputBytes, 0)
  const smaller = scaled(trace, {
    time: timeFor(trace, TRACE_MS),
    bytes: Math.min(1, TRACE_BYTES / Math.max(1, bytes))
  })
  const replays = traceTasks as unknown as Record<string, Replay<Node<Uint8Array>>>
  return workflow(own.module, () => replay(smaller, replays, speed), { name: file.split("-")[0]! })
})

const { gemm, image, text, tree, words } = own
const ours = [tree, gemm, image, text, words].map((one) => ({
  name: one.name,
  begin: (options: object) => submit(one, { input: scale, ...options })
}))
const recorded = traces.map((one) => ({
  name: one.name,
  begin: (options: object) => submit(one, options)
}))

const chosen = <A extends { readonly name: string }>(
  all: ReadonlyArray<A>,
  asked: string | undefined,
  what: string
): ReadonlyArray<A> => {
  const wanted = asked?.split(",") ?? all.map(({ name }) => name)
  const unknown = wanted.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length === 0) return all.filter(({ name }) => wanted.includes(name))
  throw new Error(`--${what} ${unknown.join(",")}: there are ${all.map(({ name }) => name).join(", ")}`)
}

const workflows = chosen([...ours, ...recorded], flags.workflows, "workflows")
const compared = chosen(
  [...planners].map(([name, one]) => ({ name, ...one })),
  flags.planners,
  "planners"
)

/** Runs by workflow, and by workflow and planner. */
const runs = new Map<string, number>()
const counted = (key: string): number => {
  const before = runs.get(key) ?? 0
  runs.set(key, before + 1)
  return before
}
const results = new Map<string, unknown>()

const measure = async (
  cloud: Cloud,
  { begin, name: workflow }: (typeof workflows)[number],
  one: (typeof compared)[number],
  round: number
): Promise<Sample> => {
  const start = round % 2 === 0 ? "cold" : "warm"
  if (start === "cold") await cloud.renew()
  const withHistory = round >= UNKNOWING
  const { behaviours, planner } = withHistory ? one : withoutHistory(one)
  await using handle = await begin({
    engine: cloud.engine,
    store: cloud.stores,
    history: "store",
    planner,
    behaviours,
    environment: environment(start),
    predict: withHistory
  })
  const value = await handle.result()
  if (!results.has(workflow)) results.set(workflow, value)
  else if (!isDeepStrictEqual(results.get(workflow), value))
    throw new Error(`${workflow} planned by ${one.name} gave another result than before`)
  const { warnings } = await handle.summary()
  for (const warning of warnings ?? []) console.error(`warning: ${warning}`)
  const record = await cloud.recordOf(workflow, handle.run)
  if (record === undefined) throw new Error(`${workflow}: run ${handle.run} was not recorded`)
  const { bytesRead, bytesWritten, gbSeconds, makespanMs, predicted, roundTrips, workers } = record
  const sum = (of: (count: (typeof workers)[number]) => number) =>
    workers.reduce((total, count) => total + of(count), 0)
  return {
    workflow,
    planner: one.name,
    round,
    withHistory,
    start,
    pastRuns: counted(workflow),
    ownRuns: counted(`${workflow} ${one.name}`),
    predicted,
    makespanMs,
    gbSeconds,
    bytes: bytesRead + bytesWritten,
    roundTrips,
    workers: sum((count) => count.workers),
    coldStarts: sum((count) => count.cold)
  }
}

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`

const out = flags.out ?? join(folder, "out")
const date = new Date().toISOString().slice(0, 10)
const samples: Array<Sample> = []
const keep = () =>
  write(folder, "planners", { rounds, iterationsPerMs: speed, samples }, join(out, `planners-${date}.json`))
{
  await using cloud = await startCloud(new URL(own.module.url), behaviourModules)
  console.log(`${cloud.limits}\n${speed} iterations in 1 ms; ${rounds} rounds\n`)
  for (let round = 0; round < rounds; round++) {
    if (round > 0) keep()
    for (const workflow of workflows) {
      for (const one of compared) {
        if (BASELINES.has(one.name) && round < rounds - 2) continue
        const sample = await measure(cloud, workflow, one, round)
        samples.push(sample)
        const { coldStarts, makespanMs, predicted, start, workers } = sample
        console.log(
          `${round} ${start} ${workflow.name.padEnd(15)} ${one.name.padEnd(8)} ${makespanMs.toFixed(0).padStart(6)} ms, predicted ` +
            `${predicted === undefined ? "nothing" : `${predicted.meanMs.toFixed(0)} (raw ${predicted.rawMs.toFixed(0)})`}; ${workers} workers, ${coldStarts} cold`
        )
      }
    }
  }
}

console.log("\nmakespan with history, s: real (predicted)")
for (const { name: workflow } of workflows) {
  const cells = compared.map(({ name: planner }) => {
    const of = { workflow, planner, withHistory: true }
    const real = typical(samples, of, ({ makespanMs }) => makespanMs)
    const known = samples.filter(({ predicted }) => predicted !== undefined)
    const mean = typical(known, of, ({ predicted }) => predicted?.meanMs ?? 0)
    return `${planner} ${((real ?? 0) / 1000).toFixed(2)} (${mean === undefined ? "–" : (mean / 1000).toFixed(2)})`
  })
  console.log(`${workflow.padEnd(15)} ${cells.join("  ")}`)
}

for (const [past, whose] of PASTS) {
  console.log(`\nprediction of makespans, runs with ${ENOUGH_RUNS} past runs and more ${whose}`)
  for (const name of [...compared.map(({ name }) => name), "all"]) {
    const of = accuracy(
      samples.filter(({ planner }) => name === "all" || planner === name),
      past
    )
    if (of === undefined) continue
    console.log(
      `${name.padEnd(8)} ${of.runs} runs: error ${percent(of.medianError)} median, ${percent(of.p90Error)} P90; ` +
        `${percent(of.within50, 0)} within P50, ${percent(of.within90, 0)} within P90`
    )
  }
  console.log("by workflow: error of each planner, median/P90 in %")
  for (const { name: workflow } of workflows) {
    const cells = compared.flatMap(({ name: planner }) => {
      const own = samples.filter((one) => one.planner === planner && one.workflow === workflow)
      const of = accuracy(own, past)
      if (of === undefined) return []
      return [
        `${planner} ${[of.medianError, of.p90Error].map((error) => (100 * error).toFixed(0)).join("/")}`
      ]
    })
    console.log(`${workflow.padEnd(15)} ${cells.join("  ")}`)
  }
}
const { bestBy, bestToSimple, equalWorkflows, report2ToUniform, toRandom } = worth(samples)
console.log(`\nbest planner / simple: ${bestToSimple.toFixed(3)} (median over ${bestBy.length} workflows)`)
for (const { planner, ratio, workflow } of bestBy)
  console.log(`  ${workflow.padEnd(15)} ${planner} ${ratio.toFixed(3)}`)
console.log(
  `GB-seconds of report2 / uniform at equal makespan: ${report2ToUniform?.toFixed(3) ?? "–"} (${equalWorkflows} workflows)`
)
for (const { planner, ratio } of toRandom) console.log(`${planner} / random placement: ${ratio.toFixed(3)}`)

const about =
  `${rounds} rounds of ${workflows.length} workflows on a Lambda of this machine that allows ${CONCURRENCY} invocations at once; ` +
  "medians of those that began cold and those that began warm, averaged."
keep()
const file = join(out, `planners-${date}.html`)
writeFileSync(file, page(samples, about))
console.log(`charts in ${file}`)
