/**
 * What runs on Lambda survive: faults that the service makes on purpose, seeded, many times each. A run is survived if its
 * result is that of `inline`, and nothing of it is left in Redis and S3.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { inspect, isDeepStrictEqual } from "node:util"
import type { LambdaOptions, Report } from "@weft/lambda-local"
import { dealt } from "@weft-benchmarks/faults/planner"
import * as Workload from "@weft-benchmarks/faults/workload"
import { inline, type Node, run as runNodes, submit } from "weft"
import { type Cloud, type Deployed, module, startCloud, startDeployed } from "./cloud.ts"
import { bold, fixed, median, most, row } from "./table.ts"
import { block, delayed } from "./tasks.ts"

/** How long a worker may be silent, in ms. */
const LEASE_MS = 3000
const POLL_MS = 250
/** What fan-outs are divided by: so many that a small machine bears them. */
const CONCURRENCY = 16
/** What wide runs are told that they have: more than the account allows. */
const WIDE_CONCURRENCY = 64
/** For how long a task would go on that hears nothing: longer than any function may, in ms. */
const BLOCKED_MS = 60_000
/** What takes longer hangs, in ms. */
const HUNG_MS = 120_000
/** How long what is left of a run may take to go away, in ms: a worker that comes late removes what it brought. */
const LEFT_MS = 15_000
/** Events come late by up to so many ms. */
const LATE_MS = 1000
/** How often a run may be over before anything happened to it, for one repetition. */
const MISSES = 20
/** Named workers in every other repetition; none in the others. Of wide runs more than the account allows. */
const WORKERS = 5
const WIDE_WORKERS = 12

interface Fault {
  readonly name: string
  readonly options?: LambdaOptions
  readonly timeoutSeconds?: number
  /** Begins with more nodes than are run at once. */
  readonly isWide?: boolean
  /** Has tasks beside the others that take longer together, or by themselves, than that. */
  readonly isLong?: boolean
  /** How often it happened. */
  readonly count?: (report: Report) => number
}

const ofFault = (name: "doubled" | "killed") => (report: Report) =>
  report.invocations.filter(({ faults }) => faults.includes(name)).length

export const faults: ReadonlyArray<Fault> = [
  { name: "nothing happens" },
  {
    name: "all events come twice",
    options: { faults: { double: 1, lateMs: LATE_MS } },
    count: ofFault("doubled")
  },
  {
    name: "one in five events is dropped",
    options: { faults: { drop: 0.2 } },
    count: ({ lost }) => lost.filter(({ reason }) => reason === "dropped").length
  },
  {
    name: "one in five environments is killed within 1.5 s",
    options: { faults: { kill: 0.2, killWithinMs: 1500 } },
    count: ofFault("killed")
  },
  { name: "nothing happens, wide", isWide: true },
  {
    name: "no more than 5 invocations at once, wide",
    isWide: true,
    options: { concurrency: 5 },
    count: ({ totals }) => totals.throttles
  },
  { name: "nothing happens, long tasks", isLong: true },
  {
    name: "functions time out after 4 s, long tasks",
    isLong: true,
    timeoutSeconds: 4,
    count: ({ invocations }) => invocations.filter(({ error }) => error?.type === "Sandbox.Timedout").length
  }
]

/** The fault-free row that a row's times are compared with. */
const calm = ({ isLong, isWide }: Fault): string =>
  `nothing happens${isLong ? ", long tasks" : isWide ? ", wide" : ""}`

type Verdict = "survived" | "wrong" | "hung"

/** How a repetition went. */
export interface Outcome {
  readonly verdict: Verdict
  readonly seed: number
  readonly workers: number
  /** How often the fault happened to it. */
  readonly times: number
  /** From `submit` to the result, in ms. */
  readonly runMs: number
  readonly invocations: number
  /** What was not right. */
  readonly detail: string | undefined
}

/** All repetitions of one fault. */
export interface Row {
  readonly fault: string
  readonly outcomes: ReadonlyArray<Outcome>
}

/**
 * What is run: a random graph; beside it, if the fault is about time, chains that take longer than an invocation may, and a task
 * that hears nothing until its function is ended, unless it was tried before.
 *
 * @param blockMs for how long it would go on
 */
const build = (seed: number, { isLong, isWide }: Fault, blockMs: number) => {
  const graph = Workload.build(Workload.make(seed, { layers: 6, width: isWide ? 40 : 6 }))
  if (!isLong) return { graph, chains: [] }
  const chain = (from: number): Node<number> => {
    let at = delayed(1500, from)
    for (let i = 0; i < 3; i++) at = delayed(1500, at)
    return at
  }
  return { graph, chains: [chain(seed), chain(seed + 1), block(blockMs, delayed(100, seed + 2))] }
}

class Hung extends Error {}

const within = async <A>(promise: Promise<A>): Promise<A> => {
  const over = new AbortController()
  const hung = sleep(HUNG_MS, undefined, { signal: over.signal }).then(() => Promise.reject(new Hung()))
  hung.catch(() => {})
  try {
    return await Promise.race([promise, hung])
  } finally {
    over.abort()
  }
}

/** One repetition. */
const repeat = async (cloud: Cloud, fault: Fault, repetition: number, seed: number): Promise<Outcome> => {
  const workers = repetition % 2 === 0 ? 0 : fault.isWide ? WIDE_WORKERS : WORKERS
  await using deployed = await startDeployed(cloud, { seed, ...fault.options }, fault)
  const expected = await runNodes(build(seed, { ...fault, isLong: false }, 0), { engine: inline() })
  const begunAt = performance.now()
  const handle = await submit(build(seed, fault, fault.timeoutSeconds === undefined ? 0 : BLOCKED_MS), {
    engine: deployed.engine({ concurrency: fault.isWide ? WIDE_CONCURRENCY : CONCURRENCY }),
    store: cloud.stores,
    module,
    planner: dealt(workers, seed),
    leaseMs: LEASE_MS,
    pollMs: POLL_MS,
    // Some faults cost a node many workers.
    maxAttempts: 30,
    output: "ignore"
  })
  const outcome = (verdict: Verdict, runMs: number, detail?: string): Outcome => {
    const report = deployed.lambda.report()
    const { invocations } = report.totals
    return { verdict, seed, workers, times: fault.count?.(report) ?? 0, runMs, invocations, detail }
  }
  const passed = () => performance.now() - begunAt
  try {
    const value = await within(handle.result())
    const runMs = passed()
    const chains = fault.isLong ? [seed, seed + 1, seed + 2] : []
    if (!isDeepStrictEqual(value, { ...expected, chains }))
      return outcome("wrong", runMs, "the result is wrong")
    // What comes late must leave nothing either.
    await sleep(LATE_MS)
    const left = await cloud.left(LEFT_MS)
    return left === "" ? outcome("survived", runMs) : outcome("wrong", runMs, `what is left: ${left}`)
  } catch (error) {
    if (!(error instanceof Hung)) return outcome("wrong", passed(), `it ended with ${inspect(error)}`)
    const hung = outcome("hung", passed(), await describe(cloud, deployed, handle.run))
    await handle.cancel()
    return hung
  }
}

const describe = async (cloud: Cloud, { lambda }: Deployed, run: string): Promise<string> => {
  const { invocations, totals } = lambda.report()
  return inspect([await cloud.state(run), totals, invocations.slice(-10)], { depth: 4 })
}

const all = async (cloud: Cloud, fault: Fault, repetitions: number, firstSeed: number): Promise<Row> => {
  const outcomes: Array<Outcome> = []
  for (let i = 0; i < repetitions; i++) {
    let outcome: Outcome
    let misses = 0
    do {
      if (misses > MISSES) throw new Error(`it never came to this: ${fault.name}`)
      // The same graphs for all faults.
      outcome = await repeat(cloud, fault, i, firstSeed * 1_000_000 + 1000 * misses++ + i)
    } while (fault.count !== undefined && outcome.times === 0 && outcome.verdict === "survived")
    outcomes.push(outcome)
    if (outcome.verdict === "survived") continue
    console.log(
      `${outcome.verdict}: ${fault.name}, seed ${outcome.seed}, ${outcome.workers} named workers: ${outcome.detail}\n`
    )
  }
  return { fault: fault.name, outcomes }
}

const table = row([-49, 8, 6, 5, 9, 12, 7, 7, 12])

const head = (): string =>
  bold(
    table(["fault", "survived", "wrong", "hung", "happened", "invocations", "run, s", "most", "fault-free ×"])
  )

const line = ({ fault, outcomes }: Row, free: Row | undefined): string => {
  const count = (verdict: Verdict) => String(outcomes.filter((one) => one.verdict === verdict).length)
  const runs = outcomes.map(({ runMs }) => runMs)
  const calmMs = free === undefined ? undefined : median(free.outcomes.map(({ runMs }) => runMs))
  const share = calmMs === undefined ? undefined : median(runs)! / calmMs
  return table([
    fault,
    count("survived"),
    count("wrong"),
    count("hung"),
    fixed(outcomes.reduce((sum, { times }) => sum + times, 0)),
    fixed(median(outcomes.map(({ invocations }) => invocations))),
    fixed(median(runs)! / 1000, 2),
    fixed(most(runs)! / 1000, 2),
    fixed(share, 2)
  ])
}

/** @param names parts of the names of faults */
export const run = async (
  names: ReadonlyArray<string>,
  repetitions: number,
  seed: number
): Promise<ReadonlyArray<Row>> => {
  console.log(`\nfaults: lease ${LEASE_MS} ms, seed ${seed}, ${repetitions} repetitions\n${head()}`)
  await using cloud = await startCloud()
  // For the tasks that run here, to tell what is right.
  process.env.WEFT_FAULTS = cloud.folder
  const rows: Array<Row> = []
  for (const fault of faults.filter(({ name }) => names.some((text) => name.includes(text)))) {
    const done = await all(cloud, fault, repetitions, seed)
    rows.push(done)
    console.log(
      line(
        done,
        rows.find((one) => one.fault === calm(fault))
      )
    )
  }
  return rows
}
