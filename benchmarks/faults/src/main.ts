/**
 * The faults benchmark: does each fault, many times, to runs on real processes and a Redis of their own.
 *
 *     node src/main.ts [--repeat N] [--only TEXT]... [--seed N] [--out FILE]
 *
 * Exit code 1 if any repetition was not survived.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { write } from "@weft-benchmarks/overhead/write"
import { type Fault, faults } from "./faults.ts"
import * as recovery from "./recovery.ts"
import { type Outcome, repeat } from "./repetition.ts"
import * as report from "./report.ts"
import { LEASE_MS, makeEngine, PROCESSES } from "./settings.ts"
import * as Store from "./store.ts"
import { gone } from "./workers.ts"

const { values: flags } = parseArgs({
  options: {
    repeat: { type: "string", default: "20" },
    only: { type: "string", multiple: true, default: [""] },
    seed: { type: "string", default: "1" },
    out: { type: "string" }
  }
})
const repetitions = Number(flags.repeat)
const firstSeed = Number(flags.seed)

/** How often a run may be over before its fault comes, for one repetition. */
const MISSES = 20

const folder = mkdtempSync(join(tmpdir(), "weft-faults-"))
// For the tasks, wherever they run.
process.env.WEFT_FAULTS = folder

// What processes write before they die is shown only if it matters.
const stderr = { tail: "", write: process.stderr.write.bind(process.stderr) }
process.stderr.write = (chunk: string | Uint8Array): boolean => {
  stderr.tail = (stderr.tail + String(chunk)).slice(-10_000)
  return true
}

const isAsked = (name: string) => flags.only.some((text) => name.toLowerCase().includes(text.toLowerCase()))

const stores = new Map<boolean, Store.Store>()
const engines = new Map<string, ReturnType<typeof makeEngine>>()

/** One server, and one cluster, for all faults. */
const storeOf = async (isCluster: boolean) => {
  const store = stores.get(isCluster) ?? (await Store.start(isCluster))
  stores.set(isCluster, store)
  return store
}

/** Faults share processes, too: what a run has left behind in them must not harm the next. */
const engineOf = ({ heapMiB, processes = PROCESSES }: Pick<Fault, "heapMiB" | "processes">) => {
  const options = { processes, ...(heapMiB !== undefined && { heapMiB }) }
  const key = JSON.stringify(options)
  const engine = engines.get(key) ?? makeEngine(options)
  engines.set(key, engine)
  return engine
}

const closeAll = async () => {
  for (const engine of engines.values()) await engine.close()
  for (const store of stores.values()) await store.stop()
}

/** All repetitions of one fault. */
const all = async (fault: Fault): Promise<report.Row> => {
  const place = {
    fault,
    store: await storeOf(fault.isCluster === true),
    engine: engineOf(fault),
    folder,
    stderr: () => stderr.tail
  }
  const outcomes: Array<Outcome> = []
  // Each fault has graphs and moments of its own.
  let seed = firstSeed * 1_000_000 + faults.indexOf(fault) * 1000
  for (let i = 0; i < repetitions; i++) {
    stderr.tail = ""
    let outcome: Outcome | undefined
    for (let misses = 0; outcome === undefined; misses++) {
      if (misses > MISSES) throw new Error(`every run was over before: ${fault.name}`)
      outcome = await repeat(place, i, seed++)
    }
    outcomes.push(outcome)
    if (outcome.verdict === "survived") continue
    console.log(`${outcome.verdict}: ${fault.name}, seed ${outcome.seed}, ${outcome.workers} named workers,`)
    console.log(`at ${(100 * outcome.share).toFixed(0)} %: ${outcome.detail}\n`)
    // The next begins with nothing of this.
    for (const server of place.store.servers) {
      await server.command("CONFIG", "SET", "maxmemory", 0)
      await server.command("FLUSHALL")
    }
    await place.engine.close()
  }
  return { fault: fault.name, outcomes }
}

const recoveries = async (): Promise<ReadonlyArray<report.Recovery>> => {
  const asked = recovery.cases.filter((name) => isAsked(`recovery: ${name}`))
  if (asked.length === 0) return []
  console.log(`\n${report.recoveryHead()}`)
  const store = await storeOf(false)
  const engine = engineOf({})
  const measured: Array<report.Recovery> = []
  for (const lost of asked) {
    const samples: Array<number> = []
    for (let i = 0; i < repetitions; i++) {
      samples.push(await recovery.measure(lost, engine, store, folder, firstSeed * 1_000_000 + i))
    }
    measured.push({ lost, samples })
    console.log(report.recoveryLine({ lost, samples }))
  }
  return measured
}

try {
  console.log(`lease ${LEASE_MS} ms, ${PROCESSES} processes, seed ${firstSeed}\n\n${report.head()}`)
  const rows: Array<report.Row> = []
  for (const fault of faults) {
    if (!isAsked(fault.name)) continue
    const row = await all(fault)
    rows.push(row)
    console.log(report.line(row))
  }
  const recovered = await recoveries()
  await closeAll()
  const left = await gone(process.pid, 5000)
  if (left.length > 0) throw new Error(`the closed engines have left processes: ${left.join(", ")}`)
  write(
    dirname(import.meta.dirname),
    "faults",
    { leaseMs: LEASE_MS, seed: firstSeed, rows, recovered },
    flags.out
  )
  if (rows.some((row) => report.count(row, "survived") < repetitions)) process.exitCode = 1
} catch (error) {
  stderr.write(`${stderr.tail}\n`)
  throw error
} finally {
  await closeAll()
  process.stderr.write = stderr.write
  rmSync(folder, { recursive: true })
}
