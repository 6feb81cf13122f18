// The examples of README.md, type-checked and run. A program's output is the block of text after it.
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, describe, expect, it } from "vitest"

const run = promisify(execFile)
const home = dirname(import.meta.dirname)
const root = dirname(dirname(home))
// Where the examples can import weft, too, which this package must not depend on.
const folder = mkdtempSync(join(root, "examples/streaming/.readme-"))
afterAll(() => rmSync(folder, { recursive: true }))

const blocks = readFileSync(join(home, "README.md"), "utf8").matchAll(
  /^```ts\n\/\/ (?<name>\S+)\n(?<code>.*?)^```\n(?:(?:(?!^```).)*^```text\n(?<output>.*?)^```)?/gms
)
const examples = [...blocks].map(({ groups }) => groups as { name: string; code: string; output?: string })
for (const { code, name } of examples) writeFileSync(join(folder, name), code)

describe("README.md", () => {
  it("has all its programs tested", () => {
    const programs = readFileSync(join(home, "README.md"), "utf8").match(/^```ts$/gm)
    expect(examples.length).toBeGreaterThan(0)
    expect(examples).toHaveLength(programs!.length)
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
    const { stderr, stdout } = await run(process.execPath, ["--conditions=@weft/source", join(folder, name)])
    expect(stderr).toBe("")
    expect(stdout).toBe(output)
  })
})
