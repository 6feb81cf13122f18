// The life of a connection: what is under way when it breaks fails at once, and it comes back by itself.
import { execFile } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { promisify } from "node:util"
import { CLIENT, Coordination, type RunSpec, type StoreError } from "@weft/storage"
import { type RedisServer, startRedis, startRedisCluster } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { assert, describe, expect, it } from "vitest"
import * as CoordinationRedis from "../src/CoordinationRedis.ts"
import { RedisClient, type RedisOptions, toStoreError } from "../src/Redis.ts"

type Client = RedisClient["Service"]

const using = <A>(options: RedisOptions | string, work: (client: Client) => Promise<A>): Promise<A> =>
  Effect.runPromise(
    RedisClient.use((client) => Effect.promise(() => work(client))).pipe(
      Effect.provide(RedisClient.layer(options))
    )
  )

const set = ({ ask, commands }: Client, value = "1") =>
  ask("set a value", () => commands.set("weft:{a}", value))
const failed = <A>(effect: Effect.Effect<A, StoreError>) => Effect.runPromise(Effect.flip(effect))

/** As everything above the stores does: repeats what failed for a reason that may go. */
const repeatedly = <A>(effect: Effect.Effect<A, StoreError>) =>
  Effect.retry(effect, { while: (error) => error.retryable, schedule: Schedule.spaced("10 millis") })
const repeated = <A>(effect: Effect.Effect<A, StoreError>) => Effect.runPromise(repeatedly(effect))

const statistic = async (redis: RedisServer, section: string, name: string): Promise<number> =>
  Number(new RegExp(`^${name}:(\\d+)`, "m").exec(String(await redis.command("INFO", section)))?.[1])

describe("a connection", () => {
  it("comes back after it was cut", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      for (let i = 0; i < 5; i++) {
        await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        expect(await repeated(set(client))).toBe("OK")
      }
    })
  })

  it("comes back after the server was away; commands fail meanwhile", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      await redis.kill()
      for (let i = 0; i < 3; i++) {
        const error = await failed(set(client))
        expect([error.reason, error.operation]).toEqual(["unavailable", "set a value"])
        expect(error.message).toContain(redis.url)
      }
      await redis.start()
      expect(await repeated(set(client))).toBe("OK")
    })
  })

  it("fails what is under way when it breaks", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      redis.pause()
      const underWay = Promise.all([failed(set(client)), failed(set(client))])
      // Both have been sent when this has.
      await new Promise(setImmediate)
      await redis.kill()
      expect((await underWay).map(({ reason }) => reason)).toEqual(["unavailable", "unavailable"])
    })
  })

  it("is given up when nothing is answered for long", async () => {
    await using redis = await startRedis()
    await using({ url: redis.url, replyTimeoutMs: 200 }, async (client) => {
      redis.pause()
      expect((await failed(set(client))).reason).toBe("unavailable")
      redis.resume()
      expect(await repeated(set(client))).toBe("OK")
    })
  })

  it("sends what is asked for at the same moment with one write", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      const reads = () => statistic(redis, "stats", "total_reads_processed")
      const before = await reads()
      await Promise.all(Array.from({ length: 100 }, () => Effect.runPromise(set(client))))
      // One of them is the question itself.
      expect((await reads()) - before).toBeLessThanOrEqual(4)
    })
  })

  it("is read-only for a moment during a failover, and finds the primary under the same name", async () => {
    await using other = await startRedis()
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      await redis.command("REPLICAOF", "127.0.0.1", other.port)
      const { message, reason } = await failed(set(client))
      expect([reason, message]).toEqual(["unavailable", expect.stringContaining("read-only replica")])
      await redis.command("REPLICAOF", "NO", "ONE")
      expect(await repeated(set(client))).toBe("OK")
    })
  })

  it("is no reason to give up a run's calls while it is read-only", async () => {
    await using redis = await startRedis()
    const stores = Layer.provideMerge(CoordinationRedis.layer, RedisClient.layer(redis.url))
    await Effect.runPromise(
      Effect.gen(function* () {
        const coordination = yield* Coordination
        const spec: RunSpec = {
          run: "r",
          workflow: "failover",
          document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
          ready: [{ instance: 0 }],
          targets: [0],
          instances: 1,
          leaseMs: 60_000,
          maxAttempts: 1
        }
        yield* coordination.begin(spec, CLIENT)
        // It replicates from nobody, so it keeps what it has.
        yield* Effect.promise(() => redis.command("REPLICAOF", "127.0.0.1", 1))
        const calls = [
          coordination.adopt("r", "w", [0], "first"),
          coordination.renew("r", ["w"], CLIENT),
          coordination.complete("r", "w", [])
        ]
        for (const call of calls) {
          // What is asked for while it connects anew fails for that reason.
          const error = yield* Effect.flip(call)
          assert.isTrue(error.retryable, error.message)
        }
        const underWay = yield* Effect.forkChild(
          Effect.forEach(calls, (call) => repeatedly(call), { concurrency: "unbounded" })
        )
        yield* Effect.promise(() => redis.command("REPLICAOF", "NO", "ONE"))
        for (const { status } of yield* Fiber.join(underWay)) assert.strictEqual(status, "running")
      }).pipe(Effect.provide(stores))
    )
  })

  it("ends with its scope, with what is under way", async () => {
    await using redis = await startRedis()
    const { late } = await using(redis.url, async (client) => {
      await client.subscriber()
      redis.pause()
      return { late: failed(set(client)) }
    })
    expect((await late).reason).toBe("unavailable")
    redis.resume()
    // Ours is the only one left.
    await expect.poll(() => redis.command("CLIENT", "LIST")).toMatch(/^id=[^\n]*\n$/)
  })

  it("says so when it is used after its end", async () => {
    await using redis = await startRedis()
    const client = await using(redis.url, async (client) => client)
    expect((await failed(set(client))).reason).toBe("unavailable")
  })

  it("does not keep a program from ending", async () => {
    await using redis = await startRedis()
    const program = join(import.meta.dirname, "fixtures/finishing.ts")
    const run = promisify(execFile)
    const { stderr, stdout } = await run(process.execPath, ["--conditions=@weft/source", program, redis.url])
    expect([stdout, stderr]).toEqual(["OK\n", ""])
  })
})

describe("a subscriber", () => {
  /** Resolves to the channel. */
  const heard = async (client: Client, wanted: string): Promise<string> => {
    const subscriber = await client.subscriber()
    return new Promise((resolve) =>
      subscriber.on("message", (channel: string, message: string) => message === wanted && resolve(channel))
    )
  }

  it("listens over a connection of its own, which is made once", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      const connections = () => statistic(redis, "clients", "connected_clients")
      const before = await connections()
      await (await client.subscriber()).subscribe("weft:news")
      await (await client.subscriber()).subscribe("weft:more")
      expect((await connections()) - before).toBe(1)
      const first = heard(client, "hello")
      await redis.command("PUBLISH", "weft:more", "hello")
      expect(await first).toBe("weft:more")
    })
  })

  it("comes back, and says that it was away", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      const subscriber = await client.subscriber()
      await subscriber.subscribe("weft:news")
      for (let i = 0; i < 3; i++) {
        const back = once(subscriber, "ready")
        await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        await back
        await subscriber.subscribe("weft:news")
        const again = heard(client, `hello ${i}`)
        await expect.poll(() => redis.command("PUBLISH", "weft:news", `hello ${i}`)).toBe(1)
        expect(await again).toBe("weft:news")
      }
    })
  })

  it("may fail to connect, and is tried again the next time", async () => {
    await using redis = await startRedis()
    await using(redis.url, async (client) => {
      await redis.kill()
      await expect(client.subscriber()).rejects.toMatchObject({ reason: "unavailable" })
      await redis.start()
      await (await client.subscriber()).subscribe("weft:news")
    })
  })

  it("goes to another node of a cluster when its own is away", async () => {
    await using cluster = await startRedisCluster()
    await using(cluster.url, async (client) => {
      const subscriber = await client.subscriber()
      await subscriber.subscribe("weft:news")
      const its = cluster.nodes.find(({ port }) => port === subscriber.options.port)!
      const other = cluster.nodes.find((node) => node !== its)!
      let last: string | undefined
      subscriber.on("message", (_, message) => (last = message))
      subscriber.on("ready", () => void subscriber.subscribe("weft:news"))
      await its.kill()
      const publish = async () => {
        await other.command("PUBLISH", "weft:news", "hello")
        return last
      }
      await expect.poll(publish, { timeout: 15_000 }).toBe("hello")
      expect(subscriber.options.port).not.toBe(its.port)
    })
  })
})

describe("toStoreError", () => {
  const replied = (message: string, name = "get", ...args: ReadonlyArray<unknown>) =>
    toStoreError(
      "do it",
      Object.assign(new Error(message), { name: "ReplyError", command: { name, args } }),
      "redis://a:1"
    )

  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "full", "out of memory"],
    [
      "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
      "full",
      "S3"
    ],
    ["ERR string exceeds maximum allowed size (proto-max-bulk-len)", "full", "512 MiB"],
    ["READONLY You can't write against a read only replica.", "unavailable", "primary"],
    ["NOAUTH Authentication required.", "refused", "password"],
    ["CROSSSLOT Keys in request don't hash to the same slot", "refused", "several slots"],
    ["ERR unknown command 'FOO'", "refused", "unknown command 'FOO'"],
    ["DENIED Redis is running in protected mode", "refused", "protected mode"],
    ["MOVED 3999 127.0.0.1:6381", "unavailable", "127.0.0.1:6381"],
    ["CLUSTERDOWN Hash slot not served", "unavailable", "all its slots"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "unavailable", "TRYAGAIN"],
    ["BUSY Redis is busy running a script.", "unavailable", "BUSY"],
    ["MISCONF Redis is configured to save RDB snapshots", "unavailable", "disk"],
    ["LOADING Redis is loading the dataset in memory", "unavailable", "still loading"],
    ["ERR max number of clients reached", "unavailable", "maxclients"]
  ] as const)("%s", (message, reason, part) => {
    const error = replied(message)
    expect([error.reason, error.operation]).toEqual([reason, "do it"])
    expect(error.message).toContain(part)
  })

  it("names the keys of the wrong type, of scripts too", () => {
    const message = "WRONGTYPE Operation against a key holding the wrong kind of value"
    expect(replied(message, "hset", "weft:{r}:objects", "k", "v").message).toContain("(weft:{r}:objects)")
    expect(replied(message, "evalsha", "4f2a", "2", "weft:{r}", "weft:{s}", "v").message).toContain(
      "(weft:{r}:…, weft:{s}:…)"
    )
    expect(replied(message).reason).toBe("corrupt")
  })

  it("leaves our own errors as they are", () => {
    const error = replied("LOADING")
    expect(toStoreError("do something else", error)).toBe(error)
  })
})
