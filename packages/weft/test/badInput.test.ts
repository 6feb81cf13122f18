// What a store holds, and what comes by its channels, may be anybody's: what the front door makes of it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Codec, RunFailed } from "@weft/core"
import { Coordination, type RunDocument, StoreError, type Stores } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { type RedisServer, startRedis, startS3 } from "@weft/testing"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { attach, type RunHandle, submit } from "../src/index.ts"
import { run as runNodes } from "../src/run.ts"
import { double, measure, value, wait } from "./fixtures/front/gate.ts"
import { damaged as damagedDocuments } from "./stores.ts"

const module = new URL("./fixtures/front/gate.ts", import.meta.url).href
const engines = ["inline", "threads", "processes"] as const
type EngineName = (typeof engines)[number]

let server: RedisServer
let folder: string
beforeAll(async () => {
  // Any are accepted. Before the first process starts, which others use again.
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test")
  server = await startRedis()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await server.stop()
})
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-bad-"))
  await server.command("FLUSHALL")
})
afterEach(() => rmSync(folder, { recursive: true }))

const ask = (name: string, ...args: ReadonlyArray<unknown>) =>
  server.command(name, ...(args as ReadonlyArray<string>))

const optionsOf = (engine: EngineName, store: string | Stores.Stores = server.url) =>
  ({ store, history: "store", engine, module, output: "ignore", pollMs: 50, leaseMs: 1500 }) as const

/** A run whose last node waits for {@link open}, and reads a value of so many characters from the store. */
const begin = async (engine: EngineName, size = 1000, store?: string | Stores.Stores) => {
  const file = join(folder, crypto.randomUUID())
  const handle = await submit(measure(value(size), wait(file)), optionsOf(engine, store))
  const key = `weft:{${handle.run}}`
  const open = () => writeFileSync(file, "")
  return { handle, key, open }
}

/** Waits until the value lies in the store. */
const stored = ({ key }: { readonly key: string }) =>
  expect.poll(() => ask("HLEN", `${key}:v`), { timeout: 15_000, interval: 10 }).toBeGreaterThan(0)

/** What became of a run; all that is shown of it is in `text`. */
const ended = async (handle: RunHandle<unknown>) => {
  const result = await handle.result().catch((error: unknown) => error)
  await handle[Symbol.asyncDispose]()
  return { result, text: String(result) }
}

/** Damages one of two runs, lets both go on, and answers how the damaged one ended: the other must not notice. */
const damaged = async (
  engine: EngineName,
  damage: (key: string) => Promise<unknown>,
  { size, store }: { readonly size?: number; readonly store?: Stores.Stores } = {}
) => {
  const other = await begin("inline")
  const one = await begin(engine, size, store)
  await stored(one)
  await damage(one.key)
  one.open()
  const outcome = await ended(one.handle)
  other.open()
  expect((await ended(other.handle)).result).toBe(1000)
  expect(outcome.text).not.toMatch(/\n\s+at |file:\/\//)
  return { ...outcome, key: one.key }
}

const failure = (result: unknown) => {
  expect(result).toBeInstanceOf(RunFailed)
  return (result as RunFailed).failures[0]!
}

const theirs = (key: string) => Promise.all([ask("DEL", key), ask("SET", key, "theirs")])

describe.each(engines)("on %s", { timeout: 60_000 }, (engine) => {
  it.each([["p"], ["v"], ["r"], ["l"], ["w"], ["t"]])(
    "a run ends if something else has its key :%s",
    async (name) => {
      const { key, result } = await damaged(engine, (key) => theirs(`${key}:${name}`))
      // Either a worker is refused first, or the client.
      if (!(result instanceof StoreError)) expect(failure(result).kind).toBe("store")
      expect(String(result)).toContain(`a key of ours holds something else (${key}:…) on ${server.url}`)
      expect(String(result)).toContain("remove that key, or choose another `prefix`")
    }
  )

  it("its client is told if something else has the key of its state", async () => {
    const { key, result } = await damaged(engine, (key) => theirs(`${key}:s`))
    expect(result).toMatchObject({ _tag: "StoreError", reason: "corrupt" })
    expect((result as Error).message).toContain(`(${key}:…)`)
  })

  it.each([["f"], ["d"], ["large"], ["parts"], ["streams"]])(
    "what a run does not need does not stop it: :%s",
    async (name) => {
      expect((await damaged(engine, (key) => theirs(`${key}:${name}`))).result).toBe(1000)
    }
  )

  it.each([["all"], ["runs"], ["seq"], ["places"]])(
    "what a run has taken is not remembered if something else has the key of the history :%s",
    async (name) => {
      // Another type than any of them has.
      await ask("XADD", `weft:{history}:${name}`, "*", "their", "own")
      expect((await damaged(engine, () => Promise.resolve())).result).toBe(1000)
      expect(await ask("XLEN", `weft:{history}:${name}`)).toBe(1)
    }
  )

  it.each([
    ["garbage", "no bytes of ours", "cut off, damaged, or no value of weft's"],
    ["nothing", "", "Unexpected end of CBOR data"],
    ["cut off", Codec.encode("x".repeat(1000)).slice(0, 500), "Unexpected end of CBOR data"],
    ["of a later version", Codec.encode(Codec.tagged("x", 39599)), "(tag 39599); update weft"]
  ])("a value that is %s fails its reader, by name", async (_, bytes, problem) => {
    const { result } = await damaged(engine, (key) => ask("HSET", `${key}:v`, "0", bytes))
    const { kind, message, task } = failure(result)
    expect({ kind, task }).toEqual({ kind: "input", task: "measure" })
    expect(message).toContain("the value of value#0, as it came here, cannot be read")
    expect(message).toContain(problem)
    expect(message).toContain("Run the workflow again")
  })

  it("a value that is gone is computed again", async () => {
    expect((await damaged(engine, (key) => ask("HDEL", `${key}:v`, "0"))).result).toBe(1000)
  })

  it.each([
    ["is gone", 2e6, (key: string) => ask("HDEL", `${key}:objects`, "value/0")],
    [
      "has lost a part",
      6e6,
      async (key: string) => {
        const [part] = (await ask("HKEYS", `${key}:parts`)) as ReadonlyArray<string>
        return ask("HDEL", `${key}:parts`, part!)
      }
    ]
  ])("an object that %s is computed again", async (_, size, damage) => {
    expect((await damaged(engine, damage, { size })).result).toBe(size)
  })

  it.each([
    ["is cut off", 2e6, ":objects", "xx", "input", "the value of value#0, as it came here, cannot be read"],
    ["cannot be found", 6e6, ":large", "{]", "store", ":large says of value/0 cannot be read"]
  ])("an object that %s fails its reader", async (_, size, name, bytes, kind, message) => {
    const { result } = await damaged(engine, (key) => ask("HSET", `${key}${name}`, "value/0", bytes), {
      size
    })
    expect(failure(result)).toMatchObject({ kind, message: expect.stringContaining(message) })
  })

  it("a value over the limit fails the node that has it, with the limit", async () => {
    const store = redis({ url: server.url, maxObjectBytes: 2_000_000 })
    const { handle, key, open } = await begin(engine, 3_000_000, store)
    open()
    expect(failure((await ended(handle)).result)).toMatchObject({
      kind: "store",
      task: "value",
      message: expect.stringMatching(
        /more than Redis is to hold at most \(2000000\)\. Keep .* `maxObjectBytes`/
      )
    })
    expect(await ask("KEYS", `${key}*`)).toEqual([])
  })

  it.each([["status"], ["clock"], ["lease"], ["open"]])(
    "a run whose %s is garbage ends with what is wrong",
    async (field) => {
      const { result } = await damaged(engine, (key) => ask("HSET", `${key}:s`, field, "garbage"))
      expect(String(result)).toMatch(/what is kept of (a run|the run|run \S+) cannot be read/)
      expect(String(result)).toContain("remove the run's keys")
      if (!(result instanceof RunFailed)) expect(result).toMatchObject({ reason: "corrupt" })
    }
  )

  it("messages that are none of ours are passed over", async () => {
    const { result } = await damaged(engine, async (key) => {
      for (const message of [
        "garbage",
        "{}",
        '{"type":"ended"}',
        '{"type":"completed","worker":3}',
        '{"type":"completed","worker":"a","instances":3,"completions":[[1],{"a":1}]}',
        '{"type":"started","worker":"a","instance":99}',
        '{"type":"output","worker":"a","instance":"zz","stream":"stdout","text":"t"}'
      ]) {
        await ask("PUBLISH", `${key}:c:client`, message)
      }
    })
    expect(result).toBe(1000)
  })

  it("a failure that cannot be read is told as such", async () => {
    const { result } = await damaged(engine, async (key) => {
      await ask("HSET", `${key}:f`, "x", "000000garbage")
      await ask("HSET", `${key}:s`, "status", "failed", "endedAt", "1")
    })
    expect(result).toMatchObject({ _tag: "StoreError", reason: "corrupt" })
    expect((result as Error).message).toContain("what was recorded of its failure cannot be read")
  })

  it("a server without memory ends runs with what to do, and leaves nothing of them", async () => {
    await using small = await startRedis({ config: { "maxmemory-policy": "noeviction" } })
    const one = await begin(engine, 1000, small.url)
    await expect
      .poll(() => small.command("HLEN", `${one.key}:v`), { timeout: 15_000, interval: 10 })
      .toBeGreaterThan(0)
    await small.command("CONFIG", "SET", "maxmemory", "1mb")
    const refused = await runNodes(double(1), optionsOf(engine, small.url)).catch((error: unknown) => error)
    expect(refused).toMatchObject({ _tag: "StoreError", reason: "full", operation: "begin" })
    one.open()
    const { result } = await ended(one.handle)
    expect(failure(result)).toMatchObject({
      kind: "store",
      attempts: 1,
      message: expect.stringContaining("is out of memory (maxmemory). Give it more")
    })
    expect(await small.command("KEYS", `${one.key}*`)).toEqual([])
    await small.command("CONFIG", "SET", "maxmemory", "0")
    expect(await runNodes(double(1), optionsOf(engine, small.url))).toBe(2)
  })

  it("a bucket that is not there fails the run that needs it, with what to do", async () => {
    await using s3 = await startS3()
    const objects = `s3://missing/p?region=${s3.region}&endpoint=${s3.endpoint}`
    const options = { ...optionsOf(engine), objects }
    const result = await runNodes(value(3_000_000), options).catch((error: unknown) => error)
    expect(failure(result)).toMatchObject({
      kind: "store",
      message: expect.stringContaining("there is no bucket s3://missing")
    })
    expect(await runNodes(double(1), options)).toBe(2)
  })
})

/** Redis, in which the document of each run is another one. */
const spoiling = (spoil: (document: RunDocument) => RunDocument): Stores.Stores => {
  const real = redis(server.url)
  const spoiled = (coordination: Coordination["Service"]): Coordination["Service"] => ({
    ...coordination,
    begin: (spec, worker) => coordination.begin({ ...spec, document: () => spoil(spec.document()) }, worker)
  })
  const layer = Layer.flatMap(real.layer, (context) =>
    Layer.succeedContext(Context.add(context, Coordination, spoiled(Context.get(context, Coordination))))
  )
  return { ...real, layer }
}

describe("workers that join a run", { timeout: 60_000 }, () => {
  const { "a plan of another graph": _, ...unreadable } = damagedDocuments
  const cases = (["threads", "processes"] as const).flatMap((engine) =>
    Object.entries(unreadable).map(([what, spoil]) => ({ engine, what, spoil }))
  )

  it.each(cases)("on $engine fail it if it has $what", async ({ engine, spoil }) => {
    const other = await begin(engine)
    const handle = await submit(double(1), optionsOf(engine, spoiling(spoil)))
    const { result, text } = await ended(handle)
    expect(failure(result)).toMatchObject({
      kind: "store",
      attempts: 1,
      message: expect.stringContaining(`run ${handle.run} cannot be read: `)
    })
    expect(text).toContain("Go on with it by the version of weft that began it, or begin it again")
    expect(text).not.toMatch(/\n\s+at |file:\/\//)
    other.open()
    expect((await ended(other.handle)).result).toBe(1000)
  })
})

describe("who joins late", { timeout: 60_000 }, () => {
  const newer = (graph: Uint8Array) => Buffer.from(graph).fill(2, 1, 2)
  const ofLaterVersion = Codec.encode({ version: 2 })

  it.each([
    ["graph", "garbage", "not a graph that this version of weft can read"],
    ["graph", newer(Codec.encode(Array.from({ length: 9 }, () => 1))), "update weft"],
    ["plan", "garbage", "these bytes cannot be decoded"],
    ["plan", ofLaterVersion, "the plan has format 2, and this version reads up to 1; update weft"],
    ["behaviours", "{]", "the behaviours in"]
  ])("is told of a %s that it cannot read: %s", async (field, bytes, problem) => {
    const holder = await begin("inline")
    await stored(holder)
    await ask("HSET", `${holder.key}:d`, field, bytes)
    const refused = await attach(holder.handle.run, optionsOf("processes")).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Error)
    expect((refused as Error).message).toContain(problem)
    holder.open()
    expect((await ended(holder.handle)).result).toBe(1000)
  })

  it("is told which adapter cannot be had, where workers make the stores anew", async () => {
    const store = redis(server.url)
    const reference = { module: "file:///nowhere/adapter.js", options: { password: "s3cret" } }
    const result = await runNodes(double(1), optionsOf("processes", { ...store, reference })).catch(
      (error: unknown) => error
    )
    expect(failure(result).message).toContain("the adapter file:///nowhere/adapter.js cannot be used")
    expect(String(result)).not.toContain("s3cret")
  })
})
