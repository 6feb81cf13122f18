/** Many workers at once: a fan-out of tasks that wait for each other, so that each has a worker of its own. */
import { readFile } from "node:fs/promises"
import { planner, submit } from "weft"
import type { Arrival } from "./attend.ts"
import { type Cloud, type Deployed, module } from "./cloud.ts"
import { makeGate } from "./gate.ts"
import { attend } from "./tasks.ts"

/** Longer than the functions' time, in ms: nobody is taken for lost because the machine is busy, and no lease is renewed. */
const LEASE_MS = 1_000_000

/** Memory of the functions, in MB: little, since many of them are on one machine. */
export const MEMORY = 128

/** What one takes beside what it shares with others, with something to spare, in MiB. */
const EACH_MIB = 25

/** So many workers, or as many as this machine has memory for. */
export const fitting = async (workers: number): Promise<number> => {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1])
  const most = Math.floor(available / 1024 / EACH_MIB)
  if (most >= workers) return workers
  console.log(`${workers} workers need more memory than there is: ${most}`)
  return most
}

const lean = planner({
  name: "lean",
  annotations: [],
  plan: ({ draft }) => draft.setMemory(MEMORY)
})

export interface Crowd {
  /** When the run began, by the store's clock, in ms since the epoch. */
  readonly begunAt: number
  readonly arrivals: ReadonlyArray<Arrival>
}

/**
 * Runs so many tasks that wait until all are there.
 *
 * @param together called while all are there
 */
export const gather = async (
  cloud: Cloud,
  engine: ReturnType<Deployed["engine"]>,
  count: number,
  together: (arrivals: ReadonlyArray<Arrival>) => Promise<void> = async () => {}
): Promise<Crowd> => {
  await using gate = await makeGate(count)
  const nodes = Array.from({ length: count }, (_, i) => attend(gate.port, i))
  await using handle = await submit(nodes, {
    planner: lean,
    engine,
    store: cloud.stores,
    module,
    metrics: false,
    history: "none",
    leaseMs: LEASE_MS,
    output: "ignore"
  })
  const { begunAt } = await cloud.state(handle.run)
  const result = handle.result()
  // A run that fails before all are there says why.
  const arrivals = await Promise.race([gate.full, result.then(() => gate.full)])
  await together(arrivals)
  gate.open()
  await result
  return { begunAt, arrivals }
}
