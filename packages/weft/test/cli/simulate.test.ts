import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { weft } from "./weft.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-cli-"))
afterAll(() => rmSync(folder, { recursive: true }))

const simulate = (...args: ReadonlyArray<string>) => weft(["simulate", "words.ts", "--samples", "2", ...args])

describe("weft simulate", () => {
  it("simulates what it has measured here", async () => {
    const history = ["--history", join(folder, "history.sqlite")]
    expect((await weft(["run", "words.ts", ...history])).code).toBe(0)
    const { code, stderr } = await simulate("--planner", "simple,report2", ...history)
    expect({ code, stderr }).toMatchObject({ code: 0 })
  })

  it("compares planners in a table, and says what it does not know", async () => {
    const { code, stderr, stdout } = await simulate(
      "--engine",
      "lambda",
      "--planner",
      "simple,uniform,single"
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const lines = stdout.split("\n")
    expect(lines[0]).toMatch(/^words on lambda: \d+ instances, predicted without history$/)
    expect(lines[2]).toMatch(
      /^planner +makespan +p50 +p90 +GB-seconds +cost +stored +round trips +workers +cold +planned in$/
    )
    expect(lines.slice(3, 6).map((line) => line.split(" ")[0])).toEqual(["simple", "uniform", "single"])
    expect(stdout).toContain("Nothing is known of how long")
    expect(stdout).toContain("hints: { executionMs: 200")
  })

  it("gives the same as JSON, alike for a seed", async () => {
    const parsed = async () => {
      const { stdout } = await simulate("--json", "--planner", "simple,random", "--sla", "p90")
      const { best, planners, sla } = JSON.parse(stdout)
      return { best, sla, makespans: planners.map((one: { makespanMs: unknown }) => one.makespanMs) }
    }
    const first = await parsed()
    expect(first).toMatchObject({ sla: 0.9, makespans: [{ samples: 2 }, { samples: 2 }] })
    expect(await parsed()).toEqual(first)
  })

  it("draws when each worker runs what", async () => {
    const out = join(folder, "compared.svg")
    expect((await simulate("--planner", "simple", "--out", out)).code).toBe(0)
    const picture = readFileSync(out, "utf8")
    expect(picture).toMatch(/^<svg /)
    expect(picture).toContain("words on inline, simulated")
    expect(picture).not.toMatch(/NaN|undefined/)
  })

  it.each([
    [["--planner", "quick"], 'there is no planner "quick"'],
    [["--planner", ","], "--planner names no planner"],
    [["--sla", "p100"], "--sla p100: write average, or a percentile"],
    [["--samples", "0"], "--samples 0: name a number from 1"],
    [["--out", "picture.png"], "name a file that ends with .svg"]
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await weft(["simulate", "words.ts", ...args])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
