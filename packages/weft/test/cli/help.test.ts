import { describe, expect, it } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { weft } from "./weft.ts"

describe.concurrent("weft", () => {
  it.each([[], ["--help"], ["-h"]])("shows its help: %s", async (...args) => {
    const { code, stderr, stdout } = await weft(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/\n {2}run +Run a workflow and print its result\n/)
    expect(stdout).toContain("\nEXIT CODES\n  0    all went well\n")
  })

  it("shows the help of its commands", async () => {
    const run = (await weft(["run", "--help"])).stdout
    for (const flag of [
      "input",
      "engine",
      "planner",
      "concurrency",
      "store",
      "objects",
      "lease",
      "out",
      "json",
      "quiet"
    ]) {
      expect(run).toMatch(new RegExp(`\\n  --${flag}[, ]`))
    }
    expect(run).toContain(`\nEXAMPLES\n  # Run a workflow that takes no input\n  weft run flow.ts\n`)
    expect(run).toContain("\n  bigint        a string of digits\n")
    const graph = (await weft(["graph", "--help"])).stdout
    for (const flag of ["input", "format", "out", "group"])
      expect(graph).toMatch(new RegExp(`\\n  --${flag}[, ]`))
  })

  it("shows the help of the commands for runs in a store", async () => {
    const flags = {
      resume: ["engine", "concurrency", "out", "json", "quiet"],
      watch: [],
      runs: ["json"],
      show: ["out", "json"],
      cancel: ["reason"],
      clean: ["older", "dry-run", "json"]
    }
    for (const [command, own] of Object.entries(flags)) {
      const { stdout } = await weft([command, "--help"])
      for (const flag of ["store", "objects", ...own])
        expect(stdout).toMatch(new RegExp(`\\n  --${flag}[, ]`))
      expect(stdout).toMatch(new RegExp(`\nEXAMPLES\n  # .*\n  weft ${command} `))
      expect(stdout).toContain("\nEXIT CODES\n")
    }
  })

  it("tells its version", async () => {
    expect(await weft(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" })
  })

  it("gives completions for shells", async () => {
    const { code, stdout } = await weft(["--completions", "bash"])
    expect(code).toBe(0)
    expect(stdout).toContain("--concurrency")
  })

  it("helps with a command that it does not have", async () => {
    const { code, stderr, stdout } = await weft(["rnu"])
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain("Did you mean this?\n    run\n")
  })
})
