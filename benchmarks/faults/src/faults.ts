/** The faults: what is done to a run, and when. */
import { setTimeout as sleep } from "node:timers/promises"
import type { redis } from "@weft/storage-redis"
import { RunFailed, StoreError, type Stores } from "weft"
import * as Deliveries from "./deliveries.ts"
import { LEASE_MS } from "./settings.ts"
import { silent } from "./silent.ts"
import { signal } from "./workers.ts"
import type * as Workload from "./workload.ts"
import type { World } from "./world.ts"

export interface Fault {
  readonly name: string
  /**
   * Where the client is: `here`, in a process of its own that is killed and gone on `after`, or in one that is killed
   * and nobody goes on: then the worker processes finish alone.
   */
  readonly client?: "here" | "resumed" | "missed"
  readonly isCluster?: boolean
  readonly workload?: Workload.Options
  /** How many named workers, in every repetition. Default: in every other one some, else none. */
  readonly workers?: number
  readonly processes?: number
  readonly heapMiB?: number
  readonly stores?: (options: Parameters<typeof redis>[0]) => Stores.Stores
  /** What happens to invocations all the time. */
  readonly deliver?: (world: Pick<World, "next">) => Deliveries.Delivery
  /** Done when a random part of the run is complete. */
  readonly strike?: (world: World, repetition: number) => Promise<void>
  /** Whether the run may end with this error. */
  readonly accepts?: (error: unknown) => boolean
}

const killOne = async ({ next, workers }: World) => {
  const pids = await workers()
  if (pids.length > 0) signal(next.pick(pids), "SIGKILL")
}

const killAll = async ({ workers }: World) => {
  for (const pid of await workers()) signal(pid, "SIGKILL")
}

/** Waits, but not for longer than the run goes on. */
const pause = (ms: number, { over }: World) => sleep(ms, undefined, { signal: over }).catch(() => {})

/** Cuts connections of a kind, several times. */
const cut =
  (...kinds: ReadonlyArray<"normal" | "pubsub">) =>
  async (world: World) => {
    for (let times = world.next.whole(3, 8); times > 0 && !world.over.aborted; times--) {
      for (const server of world.store.servers) {
        for (const kind of kinds) await server.command("CLIENT", "KILL", "TYPE", kind)
      }
      await pause(world.next.whole(10, 200), world)
    }
  }

const restartRedis = async (world: World) => {
  const server = world.store.servers[0]!
  await server.kill()
  // Not until the run is over: it needs this.
  await sleep(world.next.whole(0, 500))
  await server.start()
}

/** Leaves no room for what the run still has to store; in every other repetition there is room again soon. */
const fill = async (world: World, repetition: number) => {
  const server = world.store.servers[0]!
  const used = /used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))?.[1]
  await server.command("CONFIG", "SET", "maxmemory", Number(used) + world.next.whole(0, 200_000))
  const isShort = Math.floor(repetition / 2) % 2 === 0
  await pause(isShort ? world.next.whole(300, 1500) : 2 ** 30, world)
  await server.command("CONFIG", "SET", "maxmemory", 0)
}

const saysFull = (error: unknown): boolean => {
  if (error instanceof StoreError) return error.reason === "full"
  return error instanceof RunFailed && /out of memory \(maxmemory\)/.test(error.message)
}

export const faults: ReadonlyArray<Fault> = [
  { name: "nothing happens" },
  { name: "a worker process is killed", strike: killOne },
  {
    name: "two worker processes are killed, one after the other",
    strike: async (world) => {
      await killOne(world)
      await pause(world.next.whole(0, 500), world)
      if (!world.over.aborted) await killOne(world)
    }
  },
  { name: "all worker processes are killed at once", strike: killAll },
  {
    name: "the client is killed; another goes on",
    client: "resumed",
    strike: ({ killClient }) => killClient()
  },
  {
    name: "the client is killed; its processes finish alone",
    client: "missed",
    strike: ({ killClient }) => killClient()
  },
  {
    name: "client and all worker processes are killed at once; another goes on",
    client: "resumed",
    strike: async (world) => {
      const pids = await world.workers()
      await Promise.all([world.killClient(), ...pids.map((pid) => signal(pid, "SIGKILL"))])
      // Those that were just being started.
      await killAll(world)
    }
  },
  {
    name: "a worker process is stopped (SIGSTOP) for longer than its lease, and goes on",
    strike: async (world) => {
      const pids = await world.workers()
      if (pids.length === 0) return
      const pid = world.next.pick(pids)
      signal(pid, "SIGSTOP")
      await pause(LEASE_MS * (1.05 + 0.5 * world.next()), world)
      signal(pid, "SIGCONT")
    }
  },
  { name: "all invocations come twice", deliver: () => Deliveries.twice },
  { name: "one in five invocations is lost", deliver: ({ next }) => Deliveries.losing(next, 0.2) },
  { name: "Redis connections are cut (CLIENT KILL TYPE normal), several times", strike: cut("normal") },
  { name: "Redis subscriptions are cut (CLIENT KILL TYPE pubsub), several times", strike: cut("pubsub") },
  { name: "no message arrives", stores: silent },
  { name: "Redis is killed, and started again from its append-only file", strike: restartRedis },
  {
    name: "Redis is out of memory",
    workload: { bytes: [200_000, 400_000], large: 25 },
    strike: fill,
    accepts: saysFull
  },
  { name: "Redis Cluster of three: a worker process is killed", isCluster: true, strike: killOne },
  {
    name: "Redis Cluster of three: connections and subscriptions are cut",
    isCluster: true,
    strike: cut("normal", "pubsub")
  },
  { name: "a task fills its process's heap, once", workload: { greedy: true }, heapMiB: 64 },
  { name: "tasks throw once, and are tried again", workload: { flaky: 15 } },
  { name: "more named workers than processes", workers: 12, processes: 2 }
]

/** How many named workers there are in a repetition. */
export const workersIn = ({ workers }: Fault, repetition: number): number =>
  workers ?? (repetition % 2 === 0 ? 0 : 5)
