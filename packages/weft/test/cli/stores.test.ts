// Runs on Redis, by processes that know of each other only through it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Running, start, weft } from "./weft.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({ config: { appendonly: "yes", appendfsync: "always" } })
})
afterAll(() => redis.stop())

let folder: string
const running: Array<Running> = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-stores-"))
  await redis.command("FLUSHALL")
})
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.process.kill("SIGKILL")
    await one.ended
  }
  rmSync(folder, { recursive: true })
})

/** Lets tasks of `gated.ts` go on. */
const open = (...numbers: ReadonlyArray<number>) => {
  for (const n of numbers) writeFileSync(join(folder, String(n)), "")
}

const env = () => ({ WEFT_STORE: redis.url })
const command = (...args: ReadonlyArray<string>) => weft(args, { env: env() })

/** Begins a run of so many tasks, one after another, each of which waits for its file. Resolves when the first runs. */
const begin = async (count: number, ...args: ReadonlyArray<string>) => {
  const input = JSON.stringify({ folder, count })
  const one = start(["run", "gated.ts", "--input", input, ...args], { env: env() })
  running.push(one)
  await one.says("│ at 0")
  const run = /run (\S+) in /.exec(one.stderr())?.[1]
  expect(run).toBeDefined()
  return { ...one, run: run! }
}

const kill = async ({ ended, process }: Running) => {
  process.kill("SIGKILL")
  await ended
}

interface Listed {
  readonly run: string
  readonly status: string
  readonly completed: number
}
const runs = async () => JSON.parse((await command("runs", "--json")).stdout) as ReadonlyArray<Listed>

/** Nothing of runs is left: only their history. */
const expectNothingLeft = async () => {
  expect(await runs()).toEqual([])
  expect(
    ((await redis.command("KEYS", "*")) as Array<string>).filter((key) => !key.includes("history"))
  ).toEqual([])
}

describe("weft run", { timeout: 60_000 }, () => {
  it.each(["inline", "threads", "processes"])("runs on %s with the store it is given", async (engine) => {
    const args = ["run", "words.ts", "--engine", engine, "--store", redis.url]
    const { code, stderr, stdout } = await weft(args)
    expect({ code, stdout }).toEqual({ code: 0, stdout: "TO BE OR NOT TO BE\n" })
    const hint = `in ${redis.url}; if this process dies: weft resume `
    expect(stderr).toContain(hint)
    expect(stderr).toMatch(new RegExp(`--store ${redis.url}\n`))
    await expectNothingLeft()
  })

  it("says everything about a node that failed", async () => {
    const input = ["--input", '"again"', "--json", "--engine", "processes"]
    const { code, stdout } = await command("run", "failing.ts", ...input)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      status: "failed",
      failures: [
        {
          task: "again",
          kind: "error",
          name: "TypeError",
          message: "no such colour",
          attempts: 3,
          worker: expect.stringMatching(/^w-/),
          stack: expect.stringMatching(/failing\.ts:\d+/),
          stderr: expect.stringContaining("about to fail\n")
        }
      ]
    })
    await expectNothingLeft()
  })

  it("cancels the run on Ctrl-C, and leaves nothing", async () => {
    const one = await begin(1)
    one.process.kill("SIGINT")
    const { code, stderr } = await one.ended
    expect(code).toBe(130)
    expect(stderr).toMatch(/■ gated was cancelled after .*: 0 of 2 done\n$/)
    await expectNothingLeft()
  })

  it("goes on when the store comes back", async () => {
    const one = await begin(2, "--engine", "processes")
    await redis.kill()
    open(0)
    await one.says("the store does not answer; trying again")
    await redis.start()
    await one.says("the store answers again")
    open(1)
    const { code, stdout } = await one.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 0, 1 ]\n" })
    await expectNothingLeft()
  })

  it("can be left by Ctrl-C while the store does not answer", async () => {
    const one = await begin(1)
    redis.pause()
    one.process.kill("SIGINT")
    const { code, stderr } = await one.ended
    redis.resume()
    expect(code).toBe(130)
    expect(stderr).toContain(`weft cancel ${one.run}`)
  })

  it("needs a store for processes", async () => {
    const { code, stderr } = await weft(["run", "words.ts", "--engine", "processes"])
    expect(code).toBe(1)
    expect(stderr).toMatch(/the engine "processes" cannot start workers: .*--store or WEFT_STORE/)
  })
})

describe("weft resume", { timeout: 60_000 }, () => {
  it.each([
    ["inline", "processes"],
    ["processes", "inline"]
  ])("goes on with a run on %s, whose client was killed, on %s", async (before, after) => {
    const one = await begin(3, "--engine", before, "--lease", "1s")
    open(0)
    await one.says("│ at 1")
    await kill(one)
    const other = start(["resume", one.run, "--engine", after], { env: env() })
    running.push(other)
    await other.says("started again on")
    open(1, 2)
    const { code, stderr, stdout } = await other.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 0, 1, 2 ]\n" })
    expect(stderr).toContain(`run         ${one.run}\n`)
    await expectNothingLeft()
  })

  it("gives the result of a run that processes have brought to its end alone", async () => {
    const one = await begin(1, "--engine", "processes")
    await kill(one)
    open(0)
    while ((await runs())[0]?.status !== "succeeded") await setTimeout(50)
    const { code, stdout } = await command("resume", one.run, "--quiet")
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 0 ]\n" })
    await expectNothingLeft()
  })

  it("says that a run is not there", async () => {
    const { code, stderr } = await command("resume", "nobody")
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: there is no run nobody in the store: .*`weft runs`/)
    })
  })
})

describe("weft watch", { timeout: 60_000 }, () => {
  it("follows a run of another process, which does not notice", async () => {
    const one = await begin(2)
    const watching = start(["watch", one.run], { env: env() })
    running.push(watching)
    await watching.says("gated: started elsewhere")
    open(0)
    await watching.says("│ at 1")
    open(1)
    expect((await one.ended).stdout).toBe("[ 0, 1 ]\n")
    const { code, stderr, stdout } = await watching.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" })
    expect(stderr).toMatch(/✔ gated succeeded after /)
  })

  it("stops to look on Ctrl-C, and the run goes on", async () => {
    const one = await begin(1)
    const watching = start(["watch", one.run], { env: env() })
    running.push(watching)
    await watching.says("started elsewhere")
    watching.process.kill("SIGINT")
    expect((await watching.ended).code).toBe(130)
    open(0)
    expect((await one.ended).code).toBe(0)
  })
})

describe("weft cancel", { timeout: 60_000 }, () => {
  it("cancels a run of another process, by the beginning of its id", async () => {
    const one = await begin(1)
    const { code, stdout } = await command("cancel", one.run.slice(0, -3), "--reason", "wrong input")
    expect({ code, stdout }).toEqual({ code: 0, stdout: `cancelled ${one.run} of gated: 0 of 2 done\n` })
    expect(await one.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("gated was cancelled") })
    await expectNothingLeft()
  })

  it("says which runs an id may mean, and does nothing", async () => {
    const both = await Promise.all([begin(1), begin(1)])
    const ids = both.map(({ run }) => run).sort()
    const { code, stderr } = await command("cancel", ids[0]!.slice(0, 3))
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error: several runs begin with ${ids[0]!.slice(0, 3)}: ${ids.join(", ")}. Write more of the id\n`
    })
    expect((await runs()).map(({ status }) => status)).toEqual(["running", "running"])
  })
})

describe("weft runs", { timeout: 60_000 }, () => {
  it("lists what there is", async () => {
    const one = await begin(2)
    open(0)
    await one.says("│ at 1")
    const { code, stderr, stdout } = await command("runs")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout.split("\n")[0]).toMatch(/^run +workflow +status +done +began +last heard$/)
    expect(stdout.split("\n")[1]).toMatch(
      new RegExp(`^${one.run} +gated +running +\\d of 3 +\\d+ s ago +\\d+ s ago$`)
    )
    expect(await runs()).toMatchObject([{ run: one.run, workflow: "gated", status: "running", instances: 3 }])
  })

  it("says that there is nothing", async () => {
    expect(await command("runs")).toEqual({
      code: 0,
      stdout: "",
      stderr: `There are no runs in ${redis.url}\n`
    })
  })
})

describe("weft clean", { timeout: 60_000 }, () => {
  it("removes what nobody cares for any more, and all its values", async () => {
    const one = await begin(2)
    await kill(one)
    const young = await command("clean")
    expect(young).toMatchObject({ code: 0, stdout: "", stderr: `removed nothing from ${redis.url}\n` })
    const dry = await until(() => command("clean", "--older", "300ms", "--dry-run"), `would remove 1 run`)
    expect(dry.stdout).toContain(one.run)
    expect(await runs()).toHaveLength(1)
    const { stderr, stdout } = await command("clean", "--older", "300ms")
    expect(stdout).toContain(one.run)
    expect(stderr).toBe(`removed 1 run from ${redis.url}\n`)
    await expectNothingLeft()
  })

  it("leaves a run that somebody works on", async () => {
    const one = await begin(1)
    const { stderr } = await command("clean", "--older", "10s")
    expect(stderr).toContain("removed nothing")
    open(0)
    expect((await one.ended).code).toBe(0)
  })
})

/** Repeats a command until it says something. */
const until = async (run: () => ReturnType<typeof command>, text: string) => {
  for (;;) {
    const ended = await run()
    if (ended.stderr.includes(text)) return ended
  }
}

describe("a store that cannot be used", { timeout: 60_000 }, () => {
  it("is none at all", async () => {
    for (const args of [["runs"], ["resume", "x"], ["watch", "x"], ["cancel", "x"], ["clean"]]) {
      const { code, stderr } = await weft(args)
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining("runs in memory cannot be seen from another process")
      })
    }
  })

  it.each([
    [
      "a wrong password",
      (url: string) => url.replace("//", "//someone:secret@"),
      1,
      /does not accept this user/
    ],
    ["a wrong host", () => "redis://nowhere.invalid:6379", 1, /there is no host of that name/],
    ["a wrong port", () => "redis://127.0.0.1:1", 1, /nothing listens at redis:\/\/127.0.0.1:1/],
    ["a wrong URL", () => "redis:localhost", 2, /"redis:localhost" cannot be used: this is no URL/]
  ])("is refused with what is wrong: %s", async (_, url, code, message) => {
    for (const args of [["run", "words.ts"], ["runs"]]) {
      const ended = await weft([...args, "--store", url(redis.url)])
      expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) })
      expect(ended.stderr).not.toContain("secret")
    }
  })
})
