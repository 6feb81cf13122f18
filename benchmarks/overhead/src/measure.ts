/**
 * Measures one shape on one engine and on its baseline, in a process of its own, so that heaps do not disturb each
 * other. Started by `main.ts` with the job as its only argument; prints the result as JSON.
 */
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { startRedis } from "@weft/testing"
import { processes } from "@weft/worker"
import { Piscina } from "piscina"
import { inline, submit, threads } from "weft"
import * as callers from "./callers.ts"
import type { Job, Measured } from "./report.ts"
import { type Shape, shapes } from "./shapes.ts"

interface Sample {
  readonly makespanMs: number
  readonly wallMs: number
  readonly value: unknown
}

/** No more samples after this time, in ms, or this number. */
const BUDGET_MS = 4000
const MOST = 9

const samples = async (quick: boolean, take: () => Promise<Sample>): Promise<ReadonlyArray<Sample>> => {
  const begun = performance.now()
  const taken: Array<Sample> = []
  const warm = await take()
  // One that takes long has warmed up by itself.
  if (warm.wallMs > BUDGET_MS) taken.push(warm)
  while (taken.length === 0 || (!quick && taken.length < MOST && performance.now() - begun < BUDGET_MS)) {
    globalThis.gc?.()
    taken.push(await take())
  }
  return taken
}

/** Where runs go, by the engine's name; `end` stops all that was started for it. */
const places = {
  inline: async () => ({ options: { engine: inline() }, end: async () => {} }),
  threads: async () => {
    const engine = threads()
    return { options: { engine }, end: () => engine.close() }
  },
  processes: async () => {
    const server = await startRedis()
    const engine = processes({ processes: availableParallelism() })
    const end = async () => {
      await engine.close()
      await server.stop()
    }
    return { options: { engine, store: server.url }, end }
  }
} as const
type Place = Awaited<ReturnType<(typeof places)[keyof typeof places]>>

const onWeft = async (shape: Shape, { options }: Place): Promise<Sample> => {
  const nodes = shape.build(callers.weft)
  const begun = performance.now()
  const handle = await submit(nodes, {
    ...options,
    module: new URL("./tasks.ts", import.meta.url).href,
    history: "none"
  })
  const value = await handle.result()
  const wallMs = performance.now() - begun
  const { makespanMs } = await handle.summary()
  return { makespanMs, wallMs, value }
}

const onBaseline = async (shape: Shape, caller: ReturnType<typeof callers.pooled>): Promise<Sample> => {
  const begun = performance.now()
  const value = await shape.build(caller)
  const wallMs = performance.now() - begun
  return { makespanMs: wallMs, wallMs, value }
}

const check = (shape: Shape, sample: Sample, other: Sample) => {
  const isCpu = shape.name.startsWith("CPU")
  const expected = shape.expected ?? (isCpu ? sample.value : other.value)
  if (sample.value !== expected || other.value !== (isCpu ? other.value : expected)) {
    throw new Error(
      `${shape.name}: got ${String(sample.value)} and ${String(other.value)}, expected ${String(expected)}`
    )
  }
}

const { engine: name, iterations, quick, shape: wanted } = JSON.parse(process.argv[2] ?? "{}") as Job
const shape = shapes(iterations, quick).find((one) => one.name === wanted)
if (shape === undefined) throw new Error(`there is no shape "${wanted}"`)
const cores = name === "inline" ? 1 : availableParallelism()

const place = await places[name]()
const measured = await samples(quick, () => onWeft(shape, place))
const peakMiB = process.resourceUsage().maxRSS / 1024
await place.end()

const pool =
  name !== "inline"
    ? new Piscina({
        filename: fileURLToPath(new URL("./pool.ts", import.meta.url)),
        minThreads: cores,
        maxThreads: cores
      })
    : undefined
const caller = pool === undefined ? callers.plain : callers.pooled(pool)
const baseline = await samples(quick, () => onBaseline(shape, caller))
await pool?.destroy()
check(shape, measured[0]!, baseline[0]!)

const efficiency = ({ makespanMs, value }: Sample) =>
  shape.name.startsWith("CPU") ? (value as number) / (makespanMs * cores) : undefined
const result: Measured = {
  shape: shape.name,
  engine: name,
  calls: shape.calls,
  makespanMs: measured.map((sample) => sample.makespanMs),
  wallMs: measured.map((sample) => sample.wallMs),
  baselineMs: baseline.map((sample) => sample.wallMs),
  efficiency: measured.map(efficiency).filter((share) => share !== undefined),
  baselineEfficiency: baseline.map(efficiency).filter((share) => share !== undefined),
  peakMiB
}
process.stdout.write(JSON.stringify(result))
