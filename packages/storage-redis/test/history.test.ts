// What the suite of @weft/storage cannot ask of all histories: how many records stay, and what is not ours to read.
import { History, type RunRecord } from "@weft/storage"
import { type RedisServer, startRedis } from "@weft/testing"
import { Effect } from "effect"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
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

const record = (run: string, begunAt: number, more: Partial<RunRecord> = {}): RunRecord => ({
  version: 2,
  run,
  workflow: "w",
  signature: "s",
  planner: "simple",
  engine: "inline",
  status: "succeeded",
  begunAt,
  makespanMs: 1,
  instances: 1,
  tasks: [],
  workers: [],
  gbSeconds: 0,
  bytesRead: 0,
  bytesWritten: 0,
  roundTrips: 0,
  ...more
})

const runsOf = (records: ReadonlyArray<RunRecord>) => records.map(({ run }) => run)
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
          for (const begunAt of [5, 1, 4, 2, 3]) yield* history.record(record(`r${begunAt}`, begunAt))
          yield* history.record(record("other", 0, { workflow: "x" }))
          expect(runsOf(yield* history.runs({ workflow: "w" }))).toEqual(["r5", "r4", "r3"])
          expect(runsOf(yield* history.runs({}))).toEqual(["r5", "r4", "r3", "other"])
          expect(yield* Effect.promise(sizes)).toEqual([4, 4, 4, 3, 4])
        }),
      { historyRuns: 3 }
    ))

  it("does not expire, and leaves nothing of what was removed", async () => {
    await using((history) => history.record(record("a", 1)))
    expect(await redis.command("TTL", "weft:{history}:runs")).toBe(-1)
    await using((history) =>
      Effect.andThen(history.record(record("a", 2, { workflow: "x" })), history.remove("a"))
    )
    expect(await redis.command("KEYS", "*")).toEqual(["weft:{history}:seq"])
  })

  it("finds as many as are wanted, though others have the same signature", () =>
    using((history) =>
      Effect.gen(function* () {
        for (let i = 0; i < 20; i++)
          yield* history.record(record(`r${i}`, i, { workflow: i % 5 === 0 ? "w" : "x" }))
        expect(runsOf(yield* history.runs({ workflow: "w", signature: "s", limit: 3 }))).toEqual([
          "r15",
          "r10",
          "r5"
        ])
      })
    ))

  it("passes over records of a later version", async () => {
    await using((history) => Effect.andThen(history.record(record("a", 1)), history.record(record("b", 2))))
    await redis.command("HSET", "weft:{history}:runs", "b", '{"version":2,"what":"ever"}')
    expect(runsOf(await using((history) => history.runs({ limit: 1 })))).toEqual(["a"])
  })

  it.each(["garbage", "{}", '{"version":0}', JSON.stringify({ ...record("a", 1), instances: -1 })])(
    "says which record cannot be read, and how to go on: %s",
    async (text) => {
      await using((history) => Effect.andThen(history.record(record("a", 1)), history.record(record("b", 2))))
      await redis.command("HSET", "weft:{history}:runs", "a", text)
      const error = await using((history) => Effect.flip(history.runs({})))
      expect([error.reason, error.operation]).toEqual(["corrupt", "read the history"])
      expect(error.message).toContain("HDEL weft:{history}:runs a")
      await redis.command("HDEL", "weft:{history}:runs", "a")
      expect(runsOf(await using((history) => history.runs({})))).toEqual(["b"])
    }
  )

  it("says when something else is under its name", async () => {
    await redis.command("SET", "weft:{history}:all", "not ours")
    const error = await using((history) => Effect.flip(history.record(record("a", 1))))
    expect([error.reason, error.operation]).toEqual(["corrupt", "record a run"])
    expect(error.message).toContain("weft:{history}")
    expect(await redis.command("GET", "weft:{history}:all")).toBe("not ours")
  })
})
