// The runs on a Redis: listed, cancelled and cleaned away by processes that did not begin them.
import { describe, expect, it } from "vitest"
import { kill, onRedis } from "./redis.ts"
import { weft } from "./weft.ts"

const { begin, command, expectNothingLeft, open, redis, runs } = onRedis()

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
      stderr: `There are no runs in ${redis().url}\n`
    })
  })
})

describe("weft clean", { timeout: 60_000 }, () => {
  it("removes what nobody cares for any more, and all its values", async () => {
    const one = await begin(2)
    await kill(one)
    const young = await command("clean")
    expect(young).toMatchObject({ code: 0, stdout: "", stderr: `removed nothing from ${redis().url}\n` })
    const dry = await until(() => command("clean", "--older", "300ms", "--dry-run"), `would remove 1 run`)
    expect(dry.stdout).toContain(one.run)
    expect(await runs()).toHaveLength(1)
    const { stderr, stdout } = await command("clean", "--older", "300ms")
    expect(stdout).toContain(one.run)
    expect(stderr).toBe(`removed 1 run from ${redis().url}\n`)
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
    for (const args of [["resume", "x"], ["watch", "x"], ["cancel", "x"], ["clean"]]) {
      const { code, stderr } = await weft(args)
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining("runs in memory cannot be seen from another process")
      })
    }
    // Without a store there may be a history; but not here either.
    expect(await weft(["runs"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("name its file with --history, or its store with --store")
    })
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
      const ended = await weft([...args, "--store", url(redis().url)])
      expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) })
      expect(ended.stderr).not.toContain("secret")
    }
  })
})
