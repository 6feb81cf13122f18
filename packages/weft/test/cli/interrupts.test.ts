import { describe, expect, it } from "vitest"
import { start } from "./weft.ts"

describe.concurrent("weft run", () => {
  it("cancels the run on Ctrl-C", async () => {
    const command = start(["run", "waiting.ts"])
    await command.says("wait#1 │ waiting")
    command.process.kill("SIGINT")
    const { code, stderr, stdout } = await command.ended
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" })
    expect(stderr).toContain("Cancelling the run. Press Ctrl-C again to stop at once.\n")
    expect(stderr).toMatch(/■ waiting was cancelled after .*: 0 of 2 done\n$/)
  })

  it("gives JSON of a cancelled run, too", async () => {
    const command = start(["run", "waiting.ts", "--json"])
    await command.says("wait#1 │ waiting")
    command.process.kill("SIGTERM")
    const { code, stdout } = await command.ended
    expect(code).toBe(143)
    expect(JSON.parse(stdout)).toMatchObject({ status: "cancelled", summary: { status: "cancelled" } })
  })

  it("ends at once on the second Ctrl-C", async () => {
    const command = start(["run", "waiting.ts", "--planner", "planners/stuck.ts"])
    await command.says("started on inline")
    command.process.kill("SIGINT")
    await command.says("Cancelling")
    command.process.kill("SIGINT")
    expect((await command.ended).code).toBe(130)
  })
})
