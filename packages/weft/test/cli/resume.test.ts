// Runs on Redis, by processes that know of each other only through it: begun, killed, gone on with, watched.
import { setTimeout } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { kill, onRedis } from "./redis.ts"
import { weft } from "./weft.ts"

const { begin, command, expectNothingLeft, launch, open, redis, runs } = onRedis()

describe("weft run", { timeout: 60_000 }, () => {
  it.each(["inline", "threads", "processes"])("runs on %s with the store it is given", async (engine) => {
    const args = ["run", "words.ts", "--engine", engine, "--store", redis().url]
    const { code, stderr, stdout } = await weft(args)
    expect({ code, stdout }).toEqual({ code: 0, stdout: "TO BE OR NOT TO BE\n" })
    const hint = `in ${redis().url}; if this process dies: weft resume `
    expect(stderr).toContain(hint)
    expect(stderr).toMatch(new RegExp(`--store ${redis().url}\n`))
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
    await redis().kill()
    open(0)
    await one.says("the store does not answer; trying again")
    await redis().start()
    await one.says("the store answers again")
    open(1)
    const { code, stdout } = await one.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 0, 1 ]\n" })
    await expectNothingLeft()
  })

  it("can be left by Ctrl-C while the store does not answer", async () => {
    const one = await begin(1)
    redis().pause()
    one.process.kill("SIGINT")
    const { code, stderr } = await one.ended
    redis().resume()
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
    const other = launch("resume", one.run, "--engine", after)
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
    const watching = launch("watch", one.run)
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
    const watching = launch("watch", one.run)
    await watching.says("started elsewhere")
    watching.process.kill("SIGINT")
    expect((await watching.ended).code).toBe(130)
    open(0)
    expect((await one.ended).code).toBe(0)
  })
})
