// The examples of the README do what it says.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startRedis } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { weft } from "./cli/weft.ts"

const home = join(import.meta.dirname, "..")
const readme = readFileSync(join(home, "README.md"), "utf8")

const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!)

const folder = mkdtempSync(join(tmpdir(), "weft-readme-"))
beforeAll(() => {
  mkdirSync(join(folder, "node_modules"))
  symlinkSync(home, join(folder, "node_modules/weft"))
  symlinkSync(join(home, "node_modules/@weft"), join(folder, "node_modules/@weft"))
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  for (const text of blocks("ts")) {
    const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1]
    if (name !== undefined) writeFileSync(join(folder, name), text)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

describe("the README", () => {
  it.each(blocks("console"))("%s", async (text) => {
    const [command, ...output] = text.split("\n")
    const args = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
    expect(args.splice(0, 3)).toEqual(["$", "npx", "weft"])
    expect((await weft(args, { cwd: folder })).stdout).toBe(output.join("\n"))
  })

  const program = (name: string, env: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, ["--conditions=@weft/source", join(folder, name)], {
      encoding: "utf8",
      env: { ...process.env, ...env }
    })

  it("has a program that works on Redis", async () => {
    await using redis = await startRedis()
    const { status, stderr, stdout } = program("shared.ts", { WEFT_STORE: redis.url })
    expect({ status, stderr, stdout }).toEqual({
      status: 0,
      stderr: "",
      stdout: "{ words: [ 'to', 'be' ], average: 2 }\n"
    })
  })

  it("has a program that learns", () => {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["--conditions=@weft/source", join(folder, "planned.ts")],
      { cwd: folder, encoding: "utf8", env: { ...process.env, WEFT_HISTORY: "file" } }
    )
    expect({ status, stderr, stdout }).toEqual({
      status: 0,
      stderr: "",
      stdout:
        "{ words: [ 'to', 'be', 'or', 'not' ], average: 2.25 }\n" +
        "{ words: [ 'that', 'is', 'the', 'question' ], average: 4.25 }\n"
    })
    expect(existsSync(join(folder, ".weft/history.sqlite"))).toBe(true)
  })

  it("has a program that works", () => {
    const { status, stderr, stdout } = program("main.ts")
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
    const lines = stdout.trim().split("\n")
    expect(lines.slice(0, 2)).toEqual(["4.25", "[ 2, 2 ]"])
    expect(lines.join("\n")).toContain("split#0")
    expect(lines.slice(-2)).toEqual(["{ words: [ 'to', 'be' ], average: 2 }", "{ completed: 6, retries: 0 }"])
  })
})
