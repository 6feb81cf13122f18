// The front door on Redis and S3.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { Coordination, ObjectStore, type Stores } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { type RedisServer, startRedis, startS3 } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { attach, RunFailed, run, submit, UnreadableRun, watch } from "../src/index.ts"
import * as Connections from "../src/internal/Connections.ts"
import * as tasks from "./fixtures/front/flow.ts"
import { module } from "./stores.ts"

const { double, failLoudly, length, untilAborted } = tasks

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(() => server.command("FLUSHALL"))

const error = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => error
  )

/** How many entries and objects are left in a store. */
const left = async (store: string, objects?: string) => {
  const { end, runtime } = await Connections.use(store, objects)
  const usage = Effect.gen(function* () {
    return [yield* (yield* Coordination).usage, yield* (yield* ObjectStore).usage]
  })
  return runtime.runPromise(usage).finally(end)
}

/** Runs Node.js to its end. */
const node = async (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=@weft/source", ...args], { stdio: "pipe" })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on("close", resolve))
  ])
  return { code, stdout, stderr }
}

const program = join(import.meta.dirname, "fixtures/program.ts")

/** Prints what is loaded of adapters. */
const telling = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module"
  registerHooks({
    load: (url, context, next) => {
      if (/storage-(redis|s3)|ioredis|aws-sdk|esbuild|engine-lambda.src.deploy/.test(url)) console.log(url)
      return next(url, context)
    }
  })
`)}`

describe("a program", { timeout: 60_000 }, () => {
  it("loads no adapter that it does not use", async () => {
    const { stdout } = await node("--import", telling, program, "inline", "memory")
    expect(stdout).toBe("6 12\n")
    const redis = await node("--import", telling, program, "inline", server.url)
    expect(redis.stdout).toContain("ioredis")
    expect(redis.stdout).not.toContain("storage-s3")
  })

  it.each(["inline", "threads", "processes"])("ends by itself after its runs on %s", async (engine) => {
    expect(await node(program, engine, server.url)).toEqual({ code: 0, stdout: "6 12\n", stderr: "" })
    expect(await left(server.url)).toEqual([0, 0])
  })
})

describe("large values", () => {
  it("go to S3 if that is given, and are removed with the run", async () => {
    await using s3 = await startS3()
    await s3.createBucket("values")
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.credentials.accessKeyId)
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.credentials.secretAccessKey)
    const objects = `s3://values/some/where?region=${s3.region}&endpoint=${s3.endpoint}`
    const options = { store: server.url, objects, module, output: "ignore" } as const
    const large = "x".repeat(3_000_000)
    expect(await run({ large: tasks.text(3_000_000), length: length(large) }, options)).toEqual({
      large,
      length: 3_000_000
    })
    expect(await left(server.url, objects)).toEqual([0, 0])
    await using handle = await submit([length(large), untilAborted()], options)
    for await (const event of handle.events)
      if (event.type === "started" && event.task === "untilAborted") break
    // The constant: others who go on with the run find it there.
    expect((await left(server.url, objects))[1]).toBeGreaterThan(0)
    await handle.cancel()
    expect(await left(server.url, objects)).toEqual([0, 0])
    vi.unstubAllEnvs()
  })
})

describe("failures", () => {
  /** The same stores, whose messages no client hears. */
  const silent = (stores: Stores.Stores): Stores.Stores => ({
    ...stores,
    layer: Layer.flatMap(stores.layer, (context) =>
      Layer.merge(
        Layer.succeedContext(context),
        Layer.effect(
          Coordination,
          Effect.map(Coordination, (real) => ({ ...real, subscribe: () => Effect.void }))
        ).pipe(Layer.provide(Layer.succeedContext(context)))
      )
    )
  })

  it.each([
    ["by message", (stores: Stores.Stores) => stores],
    ["when the messages are lost", silent]
  ])("are told with all that is known of them, %s", async (_, change) => {
    const store = change(redis(server.url))
    const options = { store, module, output: "ignore", pollMs: 50 } as const
    const failed = await error(run([failLoudly("too much"), double(1), untilAborted()], options))
    expect(failed).toBeInstanceOf(RunFailed)
    expect((failed as RunFailed).failures).toMatchObject([
      {
        task: "failLoudly",
        kind: "error",
        attempts: 2,
        name: "RangeError",
        message: "too much",
        worker: expect.stringMatching(/^w-/),
        stderr: expect.stringContaining("about to fail: too much\n"),
        stack: expect.stringMatching(/RangeError: too much\n.*flow\.ts:\d+/s)
      }
    ])
    expect(await left(server.url)).toEqual([0, 0])
  })
})

describe("garbage in the store", () => {
  it.each(["graph", "plan"])(
    "is refused where a run's %s should be, and touches no other run",
    async (what) => {
      const options = { store: server.url, module, output: "ignore" } as const
      await using other = await submit(untilAborted(), options)
      await using damaged = await submit(untilAborted(), options)
      await server.command("HSET", `weft:{${damaged.run}}:d`, what, "no bytes of ours")
      for (const attached of [attach(damaged.run, options), watch(damaged.run, options)]) {
        const refused = await error(attached)
        expect(refused).toBeInstanceOf(UnreadableRun)
        expect((refused as Error).message).toContain(`\`weft cancel ${damaged.run}\``)
      }
      await using watching = await watch(other.run, options)
      await other.cancel("enough")
      expect(await error(watching.ended())).toMatchObject({ _tag: "RunCancelled", reason: "enough" })
    }
  )
})
