/** What a run of the image shape spends beside user code, by stage, on environments that are new and on some that are there. */
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { GraphBuilder, planner } from "@weft/core"
import { weft as overheadTasks } from "@weft-benchmarks/overhead/callers"
import { type Caller, image } from "@weft-benchmarks/overhead/shapes"
import { type Node, submit } from "weft"
import { type Cloud, type Deployed, module, startCloud, startDeployed } from "./cloud.ts"
import { explain, type Parts, parts } from "./path.ts"
import { bold, fixed, median, row } from "./table.ts"
import { delayed } from "./tasks.ts"
import { type Life, Timed, timing } from "./timed.ts"

/** Nobody is taken for lost because the machine is busy, in ms. */
const LEASE_MS = 600_000
/** How long what workers wrote when they left may take to be there, in ms. */
const WRITTEN_MS = 30_000

/** Gives all nodes to whoever has time, and the annotation that has them measured. */
const measuring = planner({
  name: "measuring",
  annotations: [Timed],
  plan: ({ draft, graph }) => {
    for (let id = 0; id < graph.size; id++) draft.annotate(id, Timed(true))
  }
})

/** One run; times in ms. */
export interface Run {
  readonly makespanMs: number
  readonly workers: number
  /** From `submit` to the begin, and from the end to the result. */
  readonly submitMs: number
  readonly resultMs: number
  readonly parts: Parts
}

/** A case, with what each of its runs took. */
export interface Case {
  /** What each task takes, by waiting. */
  readonly taskMs: number
  /** What an Invoke call takes beside its work. */
  readonly latencyMs: number
  readonly isCold: boolean
  readonly runs: ReadonlyArray<Run>
}

const build = (tiles: number, filters: number, taskMs: number): Node<number> => {
  const caller: Caller<Node<number>> = { ...overheadTasks, pass: (value) => delayed(taskMs, value) }
  return image(tiles, filters).build(caller)
}

const measure = async (cloud: Cloud, { engine, lambda }: Deployed, node: Node<number>): Promise<Run> => {
  const submittedAt = Date.now()
  const handle = await submit(node, {
    engine: engine(),
    store: cloud.stores,
    module,
    metrics: false,
    history: "none",
    planner: measuring,
    behaviours: [timing],
    leaseMs: LEASE_MS,
    output: "ignore"
  })
  const { begunAt } = await cloud.state(handle.run)
  await handle.result()
  const gotAt = Date.now()
  const { makespanMs } = await handle.summary()
  const { graph } = GraphBuilder.make(node, "image")
  const lives = await livesOf(cloud.folder, handle.run, graph.size)
  const endedAt = begunAt + makespanMs
  return {
    makespanMs,
    workers: lives.length,
    submitMs: begunAt - submittedAt,
    resultMs: gotAt - endedAt,
    parts: explain({
      graph,
      lives,
      records: await recordsSince(begunAt, lives.length, lambda),
      begunAt,
      endedAt
    })
  }
}

/** Invocations are on record when they have ended. */
const recordsSince = async (begunAt: number, count: number, lambda: Deployed["lambda"]) => {
  for (;;) {
    const records = lambda.report().invocations.filter(({ receivedAt }) => receivedAt >= begunAt)
    if (records.length >= count) return records
    await sleep(10)
  }
}

/** What the workers of a run have written, when all of its nodes are there. */
const livesOf = async (folder: string, run: string, nodes: number): Promise<ReadonlyArray<Life>> => {
  const deadline = Date.now() + WRITTEN_MS
  for (;;) {
    const names = (await readdir(folder)).filter((name) => name.startsWith(run) && name.endsWith(".json"))
    const lives = await Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Life)
    )
    const seen = new Set(
      lives.flatMap(({ spans }) =>
        spans.flatMap(({ instance, stage }) => (stage === "publish" ? [instance] : []))
      )
    )
    if (seen.size === nodes) {
      await Promise.all(names.map((name) => rm(join(folder, name))))
      return lives
    }
    if (Date.now() > deadline) throw new Error(`workers have written of ${seen.size} of ${nodes} nodes`)
    await sleep(10)
  }
}

/** The first run, on new environments, and so many more. */
const measureAll = async (
  cloud: Cloud,
  node: Node<number>,
  taskMs: number,
  latencyMs: number,
  repetitions: number
): Promise<ReadonlyArray<Case>> => {
  const cold: Array<Run> = []
  const warm: Array<Run> = []
  for (let i = 0; i < repetitions; i++) {
    await using deployed = await startDeployed(cloud, { invokeLatency: { ms: latencyMs } })
    cold.push(await measure(cloud, deployed, node))
    for (let j = 0; j < 3; j++) warm.push(await measure(cloud, deployed, node))
  }
  return [
    { taskMs, latencyMs, isCold: true, runs: cold },
    { taskMs, latencyMs, isCold: false, runs: warm }
  ]
}

/** The run with the median makespan: its parts add up, as medians of parts would not. */
export const typical = ({ runs }: Case): Run =>
  runs.toSorted((a, b) => a.makespanMs - b.makespanMs)[runs.length >> 1]!

/** The share of the makespan that is not user code, 0 to 1. */
export const overhead = ({ makespanMs, parts }: Run): number => 1 - parts["user code"] / makespanMs

const print = (cases: ReadonlyArray<Case>): void => {
  const table = row([-31, ...cases.map(() => 13)])
  const line = (name: string, cell: (one: Case, run: Run) => string) =>
    console.log(table([name, ...cases.map((one) => cell(one, typical(one)))]))
  console.log(
    bold(
      table([
        "ms on the critical path",
        ...cases.map(
          ({ isCold, latencyMs, taskMs }) => `${taskMs} + ${latencyMs}, ${isCold ? "cold" : "warm"}`
        )
      ])
    )
  )
  for (const part of parts) line(part, (_, run) => fixed(run.parts[part], 1))
  line("makespan", (_, { makespanMs }) => fixed(makespanMs))
  line("of it not user code", (_, run) => `${fixed(100 * overhead(run), 1)} %`)
  line("makespan, least to most", ({ runs }) => {
    const all = runs.map(({ makespanMs }) => makespanMs)
    return `${fixed(Math.min(...all))}–${fixed(Math.max(...all))}`
  })
  line("before: submit", ({ runs }) => fixed(median(runs.map(({ submitMs }) => submitMs))))
  line("after: result", ({ runs }) => fixed(median(runs.map(({ resultMs }) => resultMs))))
  line("workers", (_, { workers }) => String(workers))
}

export const run = async (isQuick: boolean): Promise<ReadonlyArray<Case>> => {
  const [tiles, filters] = isQuick ? [3, 2] : [16, 8]
  console.log(
    `\nstages: image 1 + ${tiles} × ${filters} + 1, ${filters + 2} tasks on the path; columns: ms of a task + ms of an Invoke call\n`
  )
  await using cloud = await startCloud()
  const cases: Array<Case> = []
  const all = isQuick
    ? [[20, 0] as const]
    : [[0, 0] as const, [100, 0] as const, [1000, 0] as const, [1000, 50] as const]
  for (const [taskMs, latencyMs] of all) {
    const node = build(tiles, filters, taskMs)
    cases.push(...(await measureAll(cloud, node, taskMs, latencyMs, isQuick ? 1 : 3)))
  }
  print(cases)
  return cases
}
