// What the suite of @weft/storage cannot ask of all object stores: large objects in parts, limits, keys, expiry.
import { randomBytes } from "node:crypto"
import { ObjectStore, type StoreError } from "@weft/storage"
import { type RedisServer, startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import * as ObjectStoreRedis from "../src/ObjectStoreRedis.ts"
import { RedisClient, type RedisOptions } from "../src/Redis.ts"

const MiB = 2 ** 20

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => void (await redis.command("FLUSHALL")))

const using = <A, E>(
  work: (store: ObjectStore["Service"]) => Effect.Effect<A, E>,
  options: Partial<RedisOptions> = {}
): Promise<A> =>
  Effect.runPromise(
    ObjectStore.use(work).pipe(
      Effect.provide(ObjectStoreRedis.layer),
      Effect.provide(RedisClient.layer({ url: redis.url, ...options }))
    )
  )

const keys = async () => ((await redis.command("KEYS", "*")) as ReadonlyArray<string>).toSorted()
const used = async () =>
  Number(/^used_memory:(\d+)/m.exec(String(await redis.command("INFO", "memory")))?.[1])

describe("objects on Redis", () => {
  it("all expire, unless somebody puts or removes more", async () => {
    await using(
      (store) =>
        Effect.andThen(store.put("r", "a", randomBytes(10)), store.put("r", "b", randomBytes(5 * MiB))),
      { abandonedMs: 60_000 }
    )
    expect(await keys()).toEqual(["weft:{r}:large", "weft:{r}:objects", "weft:{r}:parts"])
    for (const key of await keys()) {
      const left = Number(await redis.command("PTTL", key))
      expect(left).toBeGreaterThan(30_000)
      expect(left).toBeLessThanOrEqual(60_000)
    }
  })

  it("leave nothing behind: removed one by one, or with their run", async () => {
    for (const remove of ["remove", "removeRun"] as const) {
      await using((store) =>
        Effect.gen(function* () {
          yield* store.put("r", "a", randomBytes(10))
          yield* store.put("r", "b", randomBytes(9 * MiB))
          yield* store.put("r", "b", randomBytes(7 * MiB))
          yield* store.put("r", "c", randomBytes(5 * MiB))
          if (remove === "removeRun") yield* store.removeRun("r")
          else yield* store.remove("r", ["a", "b", "c", "d"])
          expect(yield* store.usage).toBe(0)
        })
      )
      expect(await keys()).toEqual([])
    }
  })

  it("may change their size", () =>
    using((store) =>
      Effect.gen(function* () {
        for (const size of [1, 5 * MiB, 2 * MiB, 6 * MiB + 1, 4 * MiB, 4 * MiB + 1]) {
          const bytes = randomBytes(size)
          yield* store.put("r", "a", bytes)
          const [found] = yield* store.get("r", ["a"])
          expect(bytes.equals(found!)).toBe(true)
        }
      })
    ))

  it("are there as a whole, whoever puts them at the same time", () =>
    using((store) =>
      Effect.gen(function* () {
        const sizes = [5 * MiB, 6 * MiB, 7 * MiB]
        const put = Effect.forEach(
          [...sizes, ...sizes],
          (size, i) => store.put("r", "a", Buffer.alloc(size, i)),
          {
            concurrency: "unbounded"
          }
        )
        yield* store.put("r", "a", Buffer.alloc(5 * MiB, 77))
        const get = Effect.gen(function* () {
          for (let i = 0; i < 10; i++) {
            const [found] = yield* store.get("r", ["a"])
            expect(sizes).toContain(found!.length)
            expect(Buffer.alloc(found!.length, found![0]).equals(found!)).toBe(true)
          }
        })
        yield* Effect.all([put, get], { concurrency: "unbounded" })
        yield* store.remove("r", ["a"])
        expect(yield* Effect.promise(keys)).toEqual([])
      })
    ))

  it("are not there if a part is missing", () =>
    using((store) =>
      Effect.gen(function* () {
        yield* store.put("r", "a", randomBytes(5 * MiB))
        yield* Effect.promise(() => redis.command("DEL", "weft:{r}:parts"))
        expect(yield* store.get("r", ["a", "b"])).toEqual([undefined, undefined])
      })
    ))

  it("begin with the prefix", async () => {
    await using((store) => store.put("r", "a", randomBytes(10)), { prefix: "other[1]*" })
    expect(await keys()).toEqual(["other[1]*:{r}:objects"])
    expect(await using((store) => store.usage, { prefix: "other[1]*" })).toBe(1)
    expect(await using((store) => store.usage, { prefix: "other1x" })).toBe(0)
  })

  it("are read, written and removed without looking through all keys, each with one round trip", async () => {
    await redis.command("CONFIG", "RESETSTAT")
    await using((store) =>
      Effect.gen(function* () {
        yield* store.put("r", "a", randomBytes(10))
        yield* store.get("r", ["a", "b", "c"])
        yield* store.remove("r", ["a"])
        yield* store.removeRun("r")
      })
    )
    const stats = String(await redis.command("INFO", "commandstats"))
    const counts = [...stats.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, calls]) => [
      name,
      Number(calls)
    ])
    expect(Object.fromEntries(counts)).toEqual({
      hello: 2,
      ping: 1,
      hset: 1,
      pexpire: 1,
      hmget: 3,
      hdel: 1,
      unlink: 1,
      "config|resetstat": 1
    })
  })
})

describe("of what cannot be", () => {
  const failed = (
    work: (store: ObjectStore["Service"]) => Effect.Effect<unknown, StoreError>,
    options = {}
  ) => using((store) => Effect.flip(work(store)), options)

  it("a value over the limit is told, and not sent", async () => {
    const error = await failed((store) => store.put("r", "value/7", randomBytes(1_001)), {
      maxObjectBytes: 1_000
    })
    expect([error.reason, error.operation]).toEqual(["full", "put an object"])
    expect(error.message).toContain("value/7 of run r has 1001 bytes")
    expect(error.message).toContain("maxObjectBytes")
    expect(await keys()).toEqual([])
  })

  it.each([MiB, 30 * MiB])(
    "a value of %i bytes without memory is told; nothing of it stays",
    async (size) => {
      await using((store) => store.put("r", "before", Buffer.from("1")))
      await redis.command("CONFIG", "SET", "maxmemory", (await used()) + Math.min(size / 2, 8 * MiB))
      try {
        const error = await failed((store) =>
          // What a value takes is known when it is there: the second one finds no room.
          Effect.andThen(store.put("r", "a", randomBytes(size)), store.put("r", "b", randomBytes(size)))
        )
        expect([error.reason, error.operation]).toEqual(["full", "put an object"])
        expect(error.message).toContain("out of memory (maxmemory)")
        expect(await using((store) => store.get("r", ["before", "b"]))).toEqual([Buffer.from("1"), undefined])
        expect(await redis.command("HLEN", "weft:{r}:parts")).toBe(0)
      } finally {
        await redis.command("CONFIG", "SET", "maxmemory", 0)
      }
    }
  )

  it.each(["objects", "large", "parts"])(
    "something else under our name (%s) is told, and left alone",
    async (name) => {
      await redis.command("SET", `weft:{r}:${name}`, "not ours")
      const size = name === "objects" ? 1 : 5 * MiB
      const error = await failed((store) => store.put("r", "a", randomBytes(size)))
      expect([error.reason, error.operation]).toEqual(["corrupt", "put an object"])
      expect(error.message).toContain("another `prefix`")
      expect(await redis.command("GET", `weft:{r}:${name}`)).toBe("not ours")
    }
  )

  it.each(["garbage", '{"version":2,"id":"x","bytes":5000000}', '{"version":1,"id":"x","bytes":-1}'])(
    "where a large object is cannot be read from %j",
    async (text) => {
      await redis.command("HSET", "weft:{r}:large", "a", text)
      const error = await failed((store) => store.get("r", ["a"]))
      expect(error.reason).toBe("corrupt")
      expect(error.message).toContain("weft:{r}:large")
      // It can be replaced and removed.
      await using((store) =>
        Effect.andThen(store.put("r", "a", randomBytes(5 * MiB)), store.remove("r", ["a"]))
      )
      expect(await keys()).toEqual([])
    }
  )
})
