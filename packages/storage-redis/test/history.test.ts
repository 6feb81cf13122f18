// What the suite of @weft/storage cannot ask of all histories: how many records stay, and what is not ours to read.
import { History } from "@weft/storage"
import { type RedisServer, startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { recordOf, runsOf } from "../../storage/test/records.ts"
import * as HistoryRedis from "../src/HistoryRedis.ts"
import { RedisClient, type RedisOptions } from "../src/Redis.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => void (await redis.command("FLUSHALL")))

const using = <A, E>(
  work: (history: History["Service"]) => Effect.Effect<A, E>,
  options: Partial<RedisOptions> = {}
): Promise<A> =>
  Effect.runPromise(
    History.use(work).pipe(
      Effect.provide(HistoryRedis.layer),
      Effect.provide(RedisClient.layer({ url: redis.url, ...options }))
    )
  )

const sizes = () =>
  Promise.all([
    redis.command("HLEN", "weft:{history}:runs"),
    redis.command("HLEN", "weft:{history}:places"),
    redis.command("ZCARD", "weft:{history}:all"),
    redis.command("ZCARD", "weft:{history}:workflow:w"),
    redis.command("ZCARD", "weft:{history}:signature:s")
  ])

describe("history on Redis", () => {
  it("keeps so many runs of each workflow, the newest", () =>
    using(
      (history) =>
        Effect.gen(function* () {
          for (const begunAt of [5, 1, 4, 2, 3]) yield* history.record(recordOf(`r${begunAt}`, begunAt))
          yield* history.record(recordOf("other", 0, { workflow: "x" }))
          expect(runsOf(yield* history.runs({ workflow: "w" }))).toEqual(["r5", "r4", "r3"])
          expect(runsOf(yield* history.runs({}))).toEqual(["r5", "r4", "r3", "other"])
          expect(yield* Effect.promise(sizes)).toEqual([4, 4, 4, 3, 4])
        }),
      { historyRuns: 3 }
    ))

  it("does not expire, and leaves nothing of what was removed", async () => {
    await using((history) => history.record(recordOf("a", 1)))
    expect(await redis.command("TTL", "weft:{history}:runs")).toBe(-1)
    await using((history) =>
      Effect.andThen(history.record(recordOf("a", 2, { workflow: "x" })), history.remove("a"))
    )
    expect(await redis.command("KEYS", "*")).toEqual(["weft:{history}:seq"])
  })

  it("finds as many as are wanted, though others have the same signature", () =>
    using((history) =>
      Effect.gen(function* () {
        for (let i = 0; i < 20; i++)
          yield* history.record(recordOf(`r${i}`, i, { workflow: i % 5 === 0 ? "w" : "x" }))
        expect(runsOf(yield* history.runs({ workflow: "w", signature: "s", limit: 3 }))).toEqual([
          "r15",
          "r10",
          "r5"
        ])
      })
    ))

  it.each([
    "garbage",
    "{}",
    '{"version":1}',
    '{"version":3}',
    JSON.stringify({ ...recordOf("a", 1), instances: -1 })
  ])("passes over what is no record of this version, and counts it: %s", async (text) => {
    await using((history) => Effect.forEach([1, 2, 3], (i) => history.record(recordOf(`r${i}`, i))))
    await redis.command("HSET", "weft:{history}:runs", "r2", text)
    expect(runsOf(await using((history) => history.runs({ limit: 2 })))).toEqual(["r3", "r1"])
    expect(await using((history) => history.unreadable)).toBe(1)
    expect(await using((history) => history.prune({ keep: 1 }))).toBe(2)
    expect(await using((history) => history.unreadable)).toBe(0)
  })

  it("passes over records that an earlier version of weft wrote", async () => {
    const { bytesRead: _, bytesWritten: __, roundTrips: ___, ...rest } = recordOf("old", 1)
    await using((history) => history.record(recordOf("new", 2)))
    await redis.command("HSET", "weft:{history}:runs", "old", JSON.stringify({ ...rest, version: 1 }))
    await redis.command("HSET", "weft:{history}:places", "old", '["0000000000000001old","w","s"]')
    for (const index of ["all", "workflow:w", "signature:s"])
      await redis.command("ZADD", `weft:{history}:${index}`, "1", "0000000000000001old")
    expect(runsOf(await using((history) => history.runs({})))).toEqual(["new"])
    await using((history) => history.record(recordOf("old", 3)))
    expect(runsOf(await using((history) => history.runs({})))).toEqual(["old", "new"])
  })

  it("keeps the details of fewer runs, the newest, in whatever order they come", () =>
    using(
      (history) =>
        Effect.gen(function* () {
          for (const i of [5, 1, 4, 2, 3]) yield* history.record(recordOf(`r${i}`, i), Uint8Array.of(i))
          const found = yield* Effect.forEach([5, 4, 3, 2, 1], (i) => history.details(`r${i}`))
          expect(found.map((bytes) => bytes?.[0])).toEqual([5, 4, undefined, undefined, undefined])
          expect(yield* Effect.promise(() => redis.command("HLEN", "weft:{history}:details"))).toBe(2)
          expect(runsOf(yield* history.runs({}))).toHaveLength(5)
        }),
      { historyDetails: 2 }
    ))

  it("finds more than fit into one answer", () =>
    using((history) =>
      Effect.gen(function* () {
        yield* Effect.forEach(
          Array.from({ length: 620 }, (_, i) => i),
          (i) => history.record(recordOf(`r${i}`, i, { signature: `s${i % 2}` })),
          { concurrency: 50 }
        )
        const limit = Number.POSITIVE_INFINITY
        expect(yield* history.runs({ limit })).toHaveLength(620)
        expect(runsOf(yield* history.runs({ limit: 510 })).at(-1)).toBe("r110")
        expect(yield* history.runs({ signature: "s1", limit })).toHaveLength(310)
        expect(yield* history.prune({ keep: 3 })).toBe(617)
        expect(runsOf(yield* history.runs({}))).toEqual(["r619", "r618", "r617"])
      })
    ))

  it("takes what is no summary for none", async () => {
    await redis.command("HSET", "weft:{history}:summaries", "k", "garbage")
    await using((history) =>
      Effect.gen(function* () {
        expect(yield* history.summaries(["k"])).toEqual([undefined])
        expect(yield* history.replace("k", Uint8Array.of(1), undefined)).toBe(true)
        expect([...((yield* history.summaries(["k"]))[0]?.bytes ?? [])]).toEqual([1])
      })
    )
  })

  it("says when something else is under its name", async () => {
    await redis.command("SET", "weft:{history}:all", "not ours")
    const error = await using((history) => Effect.flip(history.record(recordOf("a", 1))))
    expect([error.reason, error.operation]).toEqual(["corrupt", "record a run"])
    expect(error.message).toContain("weft:{history}")
    expect(await redis.command("GET", "weft:{history}:all")).toBe("not ours")
  })
})
