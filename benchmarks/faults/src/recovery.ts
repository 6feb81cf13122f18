/**
 * How long it takes until what a lost process was doing has been done by another: from `kill -9`, or SIGSTOP, to the end
 * of the task that was taken over. The task itself takes no time when it is begun again, and there is nothing else to do.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { redis } from "@weft/storage-redis"
import { attach, run, type Stores, submit } from "weft"
import * as Journal from "./journal.ts"
import * as settings from "./settings.ts"
import { INLINE_BYTES, type Store } from "./store.ts"
import * as tasks from "./tasks.ts"
import { gone, signal } from "./workers.ts"
import { startClient } from "./world.ts"

/** Who is lost, and who can notice. */
export const cases = [
  "a worker process is killed: its parent notices",
  "a worker process is stopped: nobody notices before its lease runs out",
  "client and a worker process are killed: nobody notices before its lease runs out"
] as const

/** So many tasks are held, in as many processes; one process more is there, and has nothing to do. */
const HELD = settings.PROCESSES - 1

/** The processes that hold a task, when all of them do. */
const holders = async (folder: string, id: string): Promise<ReadonlyArray<number>> => {
  for (;;) {
    const held = Journal.read(folder, id).filter(({ type }) => type === "held")
    if (held.length === HELD) return held.map(({ pid }) => pid)
    await sleep(10)
  }
}

/** Sees to it that all processes are there and at work: their start takes its time, and is not what is measured. */
const warm = async (engine: ReturnType<typeof settings.makeEngine>, stores: Stores.Stores) => {
  const found = new Set<number>()
  while (found.size < settings.PROCESSES) {
    found.clear()
    const nodes = Array.from({ length: settings.PROCESSES }, () => tasks.place(200))
    for (const pid of await run(nodes, settings.options(engine, stores, 0, 0))) found.add(pid)
  }
}

const between = (folder: string, id: string, lostAt: number): number => {
  const again = Journal.read(folder, id).filter(({ type }) => type === "again")
  if (again.length === 0) throw new Error("nothing was taken over")
  return Math.min(...again.map(({ at }) => at)) - lostAt
}

/** Loses a process that holds a task, once; the time until another has done it, in ms. */
export const measure = async (
  which: (typeof cases)[number],
  engine: ReturnType<typeof settings.makeEngine>,
  store: Store,
  folder: string,
  seed: number
): Promise<number> => {
  const stores = redis({ url: store.url, inlineBytes: INLINE_BYTES })
  if (which === cases[2]) {
    const client = await startClient({ url: store.url, seed, workers: 0, workload: undefined, held: HELD })
    const [pid] = await holders(folder, client.run)
    // At any moment between two renewals of the lease.
    await sleep((settings.LEASE_MS * (seed % 10)) / 10)
    const lostAt = Date.now()
    signal(pid!, "SIGKILL")
    await client.kill()
    while ((await store.state(client.run)).status === "running") await sleep(10)
    await gone(client.pid, 20_000)
    await using handle = await attach(client.run, { store: stores, engine, output: "ignore" })
    await handle.result()
    return between(folder, client.run, lostAt)
  }
  await warm(engine, stores)
  const nodes = Array.from({ length: HELD }, (_, i) => tasks.hold(i))
  await using handle = await submit(nodes, settings.options(engine, stores, 0, seed))
  const [pid] = await holders(folder, handle.run)
  await sleep((settings.LEASE_MS * (seed % 10)) / 10)
  const lostAt = Date.now()
  signal(pid!, which === cases[0] ? "SIGKILL" : "SIGSTOP")
  await handle.result()
  signal(pid!, "SIGCONT")
  return between(folder, handle.run, lostAt)
}
