/** The programs of a package's README, type-checked and run. A program's output is the block of text after it. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, expect, it } from "vitest"

const run = promisify(execFile)
const root = dirname(import.meta.dirname)

/** The compiler and each program are processes that load much source. */
const timeout = 120_000

/** What the programs need that is not in every package's README. */
interface Surroundings {
  /** A folder from which the programs can import what they do by name. Default: the package's tests. */
  readonly folder?: string
  /** Variables of the environment for each program; asked for when it is run. */
  readonly env?: () => Readonly<Record<string, string>>
}

/** The README of a package. */
export const readmeOf = (home: string): string => readFileSync(join(home, "README.md"), "utf8")

/**
 * Registers the tests of the programs in the README of the package in `home`. To be called inside a `describe`.
 */
export const testPrograms = (home: string, { env = () => ({}), folder: parent }: Surroundings = {}): void => {
  const text = readmeOf(home)
  const folder = mkdtempSync(join(parent ?? join(home, "test"), ".readme-"))
  afterAll(() => rmSync(folder, { recursive: true }))

  const blocks = text.matchAll(
    /^```ts\n\/\/ (?<name>\S+)\n(?<code>.*?)^```\n(?:(?:(?!^```).)*^```text\n(?<output>.*?)^```)?/gms
  )
  const examples = [...blocks].map(({ groups }) => groups as { name: string; code: string; output?: string })
  for (const { code, name } of examples) writeFileSync(join(folder, name), code)

  it("has all its programs tested", () => {
    expect(examples.length).toBeGreaterThan(0)
    expect(examples).toHaveLength(text.match(/^```ts$/gm)!.length)
  })

  it("has programs that compile", { timeout }, async () => {
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

  it.each(examples)("$name prints what it says", { timeout }, async ({ name, output = "" }) => {
    const { stderr, stdout } = await run(
      process.execPath,
      ["--conditions=@weft/source", join(folder, name)],
      {
        env: { ...process.env, ...env() }
      }
    )
    expect(stderr).toBe("")
    expect(stdout).toBe(output)
  })
}
