// A Redis for the tests of a file, and runs on it whose tasks wait until the test lets them go on.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest"
import { type Ended, type Running, start, weft } from "./weft.ts"

/** A run as `weft runs --json` lists it. */
interface Listed {
  readonly run: string
  readonly status: string
  readonly completed: number
}

/** To be called once in a file. */
export const onRedis = () => {
  let redis: RedisServer
  let folder: string
  const running: Array<Running> = []
  beforeAll(async () => {
    redis = await startRedis({ config: { appendonly: "yes", appendfsync: "always" } })
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "weft-stores-"))
    await redis.command("FLUSHALL")
  })
  afterEach(async () => {
    for (const one of running.splice(0)) await kill(one)
    rmSync(folder, { recursive: true })
  })

  const env = () => ({ WEFT_STORE: redis.url })

  /** Runs the command to its end, with the store in the environment. */
  const command = (...args: ReadonlyArray<string>): Promise<Ended> => weft(args, { env: env() })

  /** Starts the command, with the store in the environment. */
  const launch = (...args: ReadonlyArray<string>): Running => {
    const one = start(args, { env: env() })
    running.push(one)
    return one
  }

  /** Begins a run of so many tasks, one after another. Resolves when the first runs. */
  const begin = async (count: number, ...args: ReadonlyArray<string>) => {
    const one = launch("run", "gated.ts", "--input", JSON.stringify({ folder, count }), ...args)
    await one.says("│ at 0")
    const run = /run (\S+) in /.exec(one.stderr())?.[1]
    expect(run).toBeDefined()
    return { ...one, run: run! }
  }

  /** Lets tasks of `gated.ts` go on. */
  const open = (...numbers: ReadonlyArray<number>) => {
    for (const n of numbers) writeFileSync(join(folder, String(n)), "")
  }

  /** Those that are in the store, without those that only the history has. */
  const runs = async () => {
    const listed = JSON.parse((await command("runs", "--json")).stdout) as ReadonlyArray<Listed>
    return listed.filter((one) => !("makespanMs" in one))
  }

  /** Nothing of runs is left: only their history. */
  const expectNothingLeft = async () => {
    expect(await runs()).toEqual([])
    const keys = (await redis.command("KEYS", "*")) as ReadonlyArray<string>
    expect(keys.filter((key) => !key.includes("history"))).toEqual([])
  }

  return { redis: () => redis, command, launch, begin, open, runs, expectNothingLeft }
}

/** Ends a command as if its machine had lost power. */
export const kill = async ({ ended, process }: Running): Promise<void> => {
  process.kill("SIGKILL")
  await ended
}
