/** The Redis that runs are on: a server or a cluster, and what lies there. */
import { setTimeout as sleep } from "node:timers/promises"
import { Coordination, ObjectStore, type RunState } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { type RedisServer, startRedis, startRedisCluster } from "@weft/testing"
import { persistent, persistentObjects } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"

/** Larger values are objects, so that there are some. */
export const INLINE_BYTES = 16_384

export interface Store {
  readonly url: string
  /** One, or all of a cluster. */
  readonly servers: ReadonlyArray<RedisServer>
  readonly state: (run: string) => Promise<RunState>
  /** What is left of runs, after it has been waited for to go away; empty if nothing is. */
  readonly left: (withinMs: number) => Promise<string>
  /** All that lies there, for people. */
  readonly dump: () => Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a server that forgets nothing, also if it is killed; or a cluster. */
export const start = async (isCluster: boolean): Promise<Store> => {
  const config = { appendonly: "yes", appendfsync: "always" }
  const cluster = isCluster ? await startRedisCluster(3) : undefined
  const servers = cluster?.nodes ?? [await startRedis({ config })]
  const url = cluster?.url ?? servers[0]!.url
  const runtime = ManagedRuntime.make(redis({ url, inlineBytes: INLINE_BYTES }).layer)
  const keys = async () => {
    const all = await Promise.all(servers.map((server) => server.command("KEYS", "*")))
    return (all as Array<ReadonlyArray<string>>).flat().filter((key) => !key.includes("{history}"))
  }
  // Faults are not meant for those who look, but may hit them, too.
  const coordination = Effect.map(Coordination, (store) => persistent(store))
  const objects = Effect.map(ObjectStore, (store) => persistentObjects(store))
  const usage = Effect.gen(function* () {
    return (yield* (yield* coordination).usage) + (yield* (yield* objects).usage)
  })
  const remains = async () => {
    const [entries, found] = [await runtime.runPromise(usage), await keys()]
    return entries === 0 && found.length === 0 ? "" : `${entries} entries; keys ${found.join(", ")}`
  }
  return {
    url,
    servers,
    state: (run) => runtime.runPromise(Effect.flatMap(coordination, ({ state }) => state(run))),
    left: async (withinMs) => {
      const deadline = Date.now() + withinMs
      for (;;) {
        const found = await remains()
        if (found === "" || Date.now() > deadline) return found
        await sleep(50)
      }
    },
    dump: async () => {
      const dumps = await Promise.all(servers.map(dumpOf))
      return dumps.flat().join("\n")
    },
    stop: async () => {
      await runtime.dispose()
      await (cluster ?? servers[0]!).stop()
    }
  }
}

const READERS: Readonly<Record<string, ReadonlyArray<string>>> = {
  hash: ["HGETALL"],
  set: ["SMEMBERS"],
  zset: ["ZRANGE", "0", "-1", "WITHSCORES"]
}
/** How much of a key's content is shown, in characters. */
const SHOWN = 3000

const dumpOf = async (server: RedisServer): Promise<ReadonlyArray<string>> => {
  const found = (await server.command("KEYS", "*")) as ReadonlyArray<string>
  const lines = [`time at ${server.url}: ${await server.command("TIME")}`]
  for (const key of found.toSorted()) {
    const [command, ...rest] = READERS[String(await server.command("TYPE", key))] ?? []
    // Values, graph and plan are of no use here.
    if (command === undefined || key.includes("{history}") || /:[vd]$/.test(key)) continue
    const content = JSON.stringify(await server.command(command, key, ...rest))
    lines.push(`${key}: ${content.slice(0, SHOWN)}`)
  }
  return lines
}
