/**
 * How fast workers start: as weft starts them, beside a serial loop that invokes the same workers one by one, in the same
 * run of the benchmark.
 */
import type { LambdaLocal } from "@weft/lambda-local"
import * as Effect from "effect/Effect"
import type { Engine } from "weft"
import { type Cloud, startCloud, startDeployed } from "./cloud.ts"
import { type Crowd, fitting, gather, MEMORY } from "./crowd.ts"
import { bold, fixed, median, most, row } from "./table.ts"

/** One fan-out. */
export interface Start {
  /** From the run's begin until Lambda had the last event, in ms. */
  readonly lastEventMs: number
  /** From the run's begin until the task of the last worker, and of half of the workers, had begun, in ms. */
  readonly lastStartMs: number
  readonly medianStartMs: number
  /** Invocations from the client to the worker farthest from it. */
  readonly hops: number
  /** The most invocations that a worker sent. */
  readonly mostSent: number
  readonly coldStarts: number
}

/** The same fan-out in both ways, several times. */
export interface Started {
  readonly workers: number
  /** What an Invoke call takes beside its work, in ms. */
  readonly latencyMs: number
  readonly isCold: boolean
  readonly weft: ReadonlyArray<Start>
  readonly serial: ReadonlyArray<Start>
}

/** The same engine, whose clients invoke all workers themselves, one after the other. */
const serially = (engine: Engine): Engine => ({
  ...engine,
  open: (run) =>
    Effect.map(engine.open(run), (invoker) => ({
      ...invoker,
      fanOut: Number.POSITIVE_INFINITY,
      invoke: (invocations) => Effect.forEach(invocations, (one) => invoker.invoke([one]), { discard: true })
    }))
})

const startOf = ({ arrivals, begunAt }: Crowd, lambda: LambdaLocal): Start => {
  const starts = arrivals.map(({ at }) => at - begunAt)
  const records = lambda.report().invocations.filter(({ receivedAt }) => receivedAt >= begunAt)
  return {
    lastEventMs: most(records.map(({ receivedAt }) => receivedAt))! - begunAt,
    lastStartMs: most(starts)!,
    medianStartMs: median(starts)!,
    hops: most(arrivals.map(({ hops }) => hops))!,
    mostSent: most(arrivals.map(({ sent }) => sent))!,
    coldStarts: records.filter(({ start }) => start === "cold").length
  }
}

/** One cold fan-out and some warm ones, on functions of their own. */
const measure = async (
  cloud: Cloud,
  workers: number,
  latencyMs: number,
  repetitions: number,
  way: (engine: Engine) => Engine
): Promise<ReadonlyArray<Start>> => {
  const isLean = workers > 100
  const options = { invokeLatency: { ms: latencyMs } }
  await using deployed = await startDeployed(cloud, options, { memory: MEMORY, isLean })
  const starts: Array<Start> = []
  for (let i = 0; i <= repetitions; i++) {
    const crowd = await gather(cloud, way(deployed.engine()), workers)
    await settled(deployed.lambda, workers * (i + 1))
    starts.push(startOf(crowd, deployed.lambda))
  }
  return starts
}

/** Resolves when so many invocations have ended: they are on record, and their environments idle. */
const settled = async (lambda: LambdaLocal, invocations: number) => {
  while (lambda.report().totals.invocations < invocations) await new Promise((again) => setTimeout(again, 10))
}

const table = row([8, 9, 5, 13, 13, 13, 13, 7, 6, 6])

const head = (): string =>
  bold(
    table([
      "workers",
      "Invoke, ms",
      "start",
      "last event, s",
      "last start, s",
      "serial event",
      "serial start",
      "ratio",
      "hops",
      "sent"
    ])
  )

export const ratio = ({ serial, weft }: Started): number =>
  median(serial.map(({ lastStartMs }) => lastStartMs))! / median(weft.map(({ lastStartMs }) => lastStartMs))!

const line = (started: Started): string => {
  const { isCold, latencyMs, serial, weft, workers } = started
  const seconds = (starts: ReadonlyArray<Start>, of: "lastEventMs" | "lastStartMs") =>
    fixed(median(starts.map((start) => start[of]))! / 1000, 2)
  return table([
    String(workers),
    String(latencyMs),
    isCold ? "cold" : "warm",
    seconds(weft, "lastEventMs"),
    seconds(weft, "lastStartMs"),
    seconds(serial, "lastEventMs"),
    seconds(serial, "lastStartMs"),
    `${fixed(ratio(started), 1)} ×`,
    fixed(most(weft.map(({ hops }) => hops))),
    fixed(most(weft.map(({ mostSent }) => mostSent)))
  ])
}

/**
 * @param sizes how many workers, each
 * @param latencies what an Invoke call takes beside its work, in ms, each
 * @param most how many warm fan-outs are measured at most
 */
export const run = async (
  sizes: ReadonlyArray<number>,
  latencies: ReadonlyArray<number>,
  most: number
): Promise<ReadonlyArray<Started>> => {
  console.log(`\nstart: a fan-out of tasks that wait, as weft starts it and in a serial loop\n${head()}`)
  await using cloud = await startCloud()
  const measured: Array<Started> = []
  for (const latencyMs of latencies) {
    for (const wanted of sizes) {
      const workers = await fitting(wanted)
      const repetitions = workers < 500 ? most : Math.min(most, 3)
      const weft = await measure(cloud, workers, latencyMs, repetitions, (engine) => engine)
      const serial = await measure(cloud, workers, latencyMs, repetitions, serially)
      for (const isCold of [true, false]) {
        const part = (starts: ReadonlyArray<Start>) => (isCold ? starts.slice(0, 1) : starts.slice(1))
        const started = { workers, latencyMs, isCold, weft: part(weft), serial: part(serial) }
        measured.push(started)
        console.log(line(started))
      }
    }
  }
  return measured
}
