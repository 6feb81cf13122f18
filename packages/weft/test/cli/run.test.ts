import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Codec } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import { weft } from "./weft.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-cli-"))
afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent("weft run", () => {
  it("prints the result to stdout, and all else to stderr", async () => {
    const { code, stderr, stdout } = await weft(["run", "words.ts"])
    expect({ code, stdout }).toEqual({ code: 0, stdout: "TO BE OR NOT TO BE\n" })
    expect(stderr).toMatch(/^words: started on inline, 4 nodes\n✔ words: 8 tasks in /)
    expect(stderr).toMatch(/\n {2}upper {6}6 /)
  })

  it("shows values as Node.js does", async () => {
    const { stdout } = await weft(["run", "checked.ts", "--input", "@numbers.json", "--quiet"])
    expect(stdout).toBe("6\n")
    expect((await weft(["run", "values.ts", "-q"])).stdout).toContain("floats: Float32Array(2) [ 0.5, 1 ],\n")
  })

  it("takes its input from the command line, a file or standard input", async () => {
    const input = '{"numbers": [4, 5]}'
    expect((await weft(["run", "checked.ts", "-i", input, "-q"])).stdout).toBe("9\n")
    expect((await weft(["run", "checked.ts", "-i", "@-", "-q"], { input: `\uFEFF${input}` })).stdout).toBe(
      "9\n"
    )
  })

  it("prints one JSON object and nothing else with --json", async () => {
    const { code, stderr, stdout } = await weft(["run", "noisy.ts", "--json"])
    const { result, status, summary } = JSON.parse(stdout) as Record<string, unknown>
    expect({ code, result, status }).toEqual({ code: 0, result: [1, 2], status: "succeeded" })
    expect(summary).toMatchObject({ workflow: "noisy", completed: 2, total: 2, engine: "inline" })
    expect(stdout.indexOf("\n")).toBe(stdout.length - 1)
    expect(stderr).toContain("printed on import\n")
    expect(stderr).toContain("speak#0 │ out 1\nspeak#0 │ err 1\nspeak#0 │ second line\n")
    expect(stderr).toContain("past the console 2\n")
  })

  it("says of a failed run why, also as JSON", async () => {
    const { code, stdout } = await weft(["run", "failing.ts", "--input", '"text"', "--json", "--quiet"])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      status: "failed",
      failures: [{ task: "fails", kind: "error", message: "just a text", attempts: 1 }],
      summary: { status: "failed", completed: 0 }
    })
  })

  it("says nothing but the result with --quiet", async () => {
    expect(await weft(["run", "words.ts", "--quiet"])).toEqual({
      code: 0,
      stdout: "TO BE OR NOT TO BE\n",
      stderr: ""
    })
  })

  it("writes the result to a file of JSON", async () => {
    const out = join(folder, "values.json")
    const { code, stderr, stdout } = await weft(["run", "values.ts", "--out", out])
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" })
    expect(stderr).toContain(`The result is in ${out}\n`)
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({
      map: { a: "1" },
      pairs: [[1, "one"]],
      set: [1, 2],
      date: "1970-01-01T00:00:00.000Z",
      bytes: "AQID",
      floats: [0.5, 1],
      not: [null],
      error: { name: "RangeError", message: "far" }
    })
  })

  it("writes the result to a file of CBOR, in which nothing is lost", async () => {
    const out = join(folder, "values.cbor")
    const { stdout } = await weft(["run", "values.ts", "--out", out, "--json"])
    expect(JSON.parse(stdout)).toMatchObject({ status: "succeeded", out })
    expect(Codec.decode(readFileSync(out))).toMatchObject({
      map: new Map([["a", 1n]]),
      set: new Set([1, 2]),
      date: new Date(0),
      bytes: new Uint8Array([1, 2, 3])
    })
  })

  it("runs a workflow that the file only passes on", async () => {
    expect((await weft(["run", "elsewhere.ts", "-q"])).stdout).toBe("TO BE OR NOT TO BE\n")
  })

  it("takes an engine and a concurrency", async () => {
    const { code, stdout } = await weft([
      "run",
      "words.ts",
      "-q",
      "--engine",
      "threads",
      "--concurrency",
      "1"
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: "TO BE OR NOT TO BE\n" })
  })

  it("takes a planner by name, or with its behaviours from a module", async () => {
    expect((await weft(["run", "words.ts", "--planner", "simple"])).stderr).toContain("planner     simple\n")
    expect(await weft(["run", "words.ts", "--planner", "planners/covered.ts"])).toEqual({
      code: 0,
      stdout: "TO BE OR NOT TO BE\n",
      stderr: expect.stringContaining("planner     doubling · does everything twice\n")
    })
  })

  it("writes no colours but where they are wanted", async () => {
    const start = "\u001B["
    expect((await weft(["run", "words.ts"])).stderr).not.toContain(start)
    expect((await weft(["run", "words.ts"], { env: { FORCE_COLOR: "1" } })).stderr).toContain(`${start}32m✔`)
  })
})
