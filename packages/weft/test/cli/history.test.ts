// What past runs have measured, on the command line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { onRedis } from "./redis.ts"
import { weft } from "./weft.ts"

const { redis } = onRedis()

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-history-"))
  file = join(folder, "history.sqlite")
})
afterEach(() => rmSync(folder, { recursive: true }))

const of = (path: string, ...args: ReadonlyArray<string>) => weft(["history", ...args, "--history", path])
const runOnce = (path: string) => weft(["run", "words.ts", "--quiet", "--history", path])

interface Listed {
  readonly workflows: ReadonlyArray<{ readonly workflow: string; readonly runs: number }>
}

const listed = async (path: string) => JSON.parse((await of(path, "list", "--json")).stdout) as Listed

describe("weft history", { timeout: 120_000 }, () => {
  it("lists what runs have left", async () => {
    expect(await of(file, "list")).toEqual({
      code: 0,
      stdout: "",
      stderr: `There is no history in ${file} yet\n`
    })
    await runOnce(file)
    const { code, stderr, stdout } = await of(file, "list")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/^workflow +runs +last began +last took\nwords +1 +\d+ s ago +\S+ m?s\n/)
  })

  it("is carried from a file to another, and to a store", async () => {
    await runOnce(file)
    const lines = join(folder, "history.jsonl")
    expect((await of(file, "export", "--out", lines)).code).toBe(0)
    const [header, record] = readFileSync(lines, "utf8").split("\n")
    expect(header).toBe('{"weft":"history","version":1}')
    expect(JSON.parse(record!)).toMatchObject({ record: { version: 2, workflow: "words" } })
    const other = join(folder, "other.sqlite")
    expect((await of(other, "import", lines)).stderr).toContain(`added 1 record and`)
    expect(await listed(other)).toMatchObject({ workflows: [{ workflow: "words", runs: 1 }] })
    const { url } = redis()
    const toStore = await weft(["history", "import", "-", "--store", url, "--history", "store"], {
      input: readFileSync(lines, "utf8")
    })
    expect(toStore).toMatchObject({ code: 0, stderr: expect.stringContaining(`added 1 record`) })
    const back = await weft(["history", "export", "--store", url, "--history", "store"])
    expect(back.stdout).toBe(readFileSync(lines, "utf8"))
  })

  it("takes what is right of a file, and names the lines that are not", async () => {
    await runOnce(file)
    const { stdout } = await of(file, "export")
    const [header = "", record = ""] = stdout.split("\n")
    const lines = join(folder, "lines.jsonl")
    const summary = (bytes: string) => `{"summary":"task/theirs","bytes":"${bytes}"}`
    const wrong = [
      "no JSON",
      record.replace('"version":2', '"version":1'),
      record.replace(/"makespanMs":/, '"makespanMs":-')
    ]
    writeFileSync(
      lines,
      [header, ...wrong, record, summary("AQ=="), '{"summary":"x","bytes":"!"}', ""].join("\n")
    )
    const other = join(folder, "other.sqlite")
    const first = await of(other, "import", lines)
    expect(first.code).toBe(1)
    for (const line of [2, 3, 4, 7]) expect(first.stderr).toContain(`${lines}:${line}: `)
    expect(first.stderr).toContain("added 1 record and what was learned of 1 task or workflow")
    expect(first.stderr).toContain("passed over 4 lines that are wrong")

    writeFileSync(lines, [header, summary("Ag==")].join("\n"))
    expect((await of(other, "import", lines)).stderr).toContain("with --replace the file's is taken")
    expect((await of(other, "export")).stdout).toContain(summary("AQ=="))
    expect((await of(other, "import", lines, "--replace")).code).toBe(0)
    expect((await of(other, "export")).stdout).toContain(summary("Ag=="))
  })

  it.each([
    ["", /it is empty/],
    ['{"run":"x"}\n', /it is no history that `weft history export` wrote/],
    ['{"weft":"history","version":2}\n', /its format is version 2, this version of weft knows 1/]
  ])("refuses what was not exported: %j", async (text, message) => {
    const lines = join(folder, "lines.jsonl")
    writeFileSync(lines, text)
    expect(await of(file, "import", lines)).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
  })

  it("is pruned", async () => {
    for (let i = 0; i < 3; i++) await runOnce(file)
    expect((await of(file, "prune", "--older", "1d")).stderr).toBe(`removed nothing from ${file}\n`)
    expect((await of(file, "prune", "--keep", "1")).stderr).toBe(`removed 2 records from ${file}\n`)
    expect(await listed(file)).toMatchObject({ workflows: [{ runs: 1 }] })
    expect(await of(file, "prune")).toMatchObject({ code: 2, stderr: expect.stringContaining("--older 30d") })
  })

  it("says what is wrong with it", async () => {
    writeFileSync(file, "no database\n".repeat(100))
    for (const args of [["list"], ["export"], ["prune", "--keep", "1"]]) {
      const { code, stderr } = await of(file, ...args)
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining("is not a history of weft")
      })
    }
    expect(await of("none", "list")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no history is kept")
    })
    expect(await of("nonne", "list")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"nonne" cannot be used')
    })
    const run = await weft(["run", "words.ts", "--history", file])
    expect(run).toMatchObject({ code: 0, stdout: "TO BE OR NOT TO BE\n" })
    expect(run.stderr).toMatch(/warning: the history could not record a run: .* is not a history of weft/)
  })
})
