// The examples of README.md, type-checked and run, by a user with the rights that it names. A program's output is the block
// of text after it.
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Settings } from "../src/Options.ts"

const run = promisify(execFile)
const home = dirname(import.meta.dirname)
const root = dirname(dirname(home))
const text = readFileSync(join(home, "README.md"), "utf8")
// Inside the package, so that the examples can import it by name.
const folder = mkdtempSync(join(import.meta.dirname, ".readme-"))
afterAll(() => rmSync(folder, { recursive: true }))

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
  const [, rights] = /^ACL SETUSER (.*)$/m.exec(text)!
  await redis.command("ACL", "SETUSER", ...rights!.split(" "))
})
afterAll(() => redis.stop())

const blocks = text.matchAll(
  /^```ts\n\/\/ (?<name>\S+)\n(?<code>.*?)^```\n(?:(?:(?!^```).)*^```text\n(?<output>.*?)^```)?/gms
)
const examples = [...blocks].map(({ groups }) => groups as { name: string; code: string; output?: string })
for (const { code, name } of examples) writeFileSync(join(folder, name), code)

describe("README.md", () => {
  it("has all its programs tested", () => {
    expect(examples.length).toBeGreaterThan(0)
    expect(examples).toHaveLength(text.match(/^```ts$/gm)!.length)
  })

  it("has programs that compile", async () => {
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { noEmit: true, composite: false, declaration: false, declarationMap: false },
      include: ["*.ts"]
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(
      (error: { stdout: string }) => error
    )
    expect(stdout).toBe("")
  })

  it.each(examples)("$name prints what it says", async ({ name, output = "" }) => {
    const env = { ...process.env, REDIS_URL: redis.url.replace("//", "//weft:password@") }
    const program = join(folder, name)
    const { stderr, stdout } = await run(process.execPath, ["--conditions=@weft/source", program], { env })
    expect(stderr).toBe("")
    expect(stdout).toBe(output)
  })

  it("has all options", () => {
    const table = text.slice(text.indexOf("## Options"), text.indexOf("## What Redis must be"))
    const named = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) =>
      names!.replaceAll("`", "").split(", ")
    )
    expect(named.toSorted()).toEqual(Object.keys(Settings.fields).toSorted())
  })
})
