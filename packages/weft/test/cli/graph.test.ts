import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { start, weft } from "./weft.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-cli-"))
afterAll(() => rmSync(folder, { recursive: true }))

const beginnings = { svg: /^<svg /, dot: /^digraph "words" \{/, mermaid: /^---\ntitle: .*\n---\nflowchart / }
const endings = [
  ["svg", "svg"],
  ["dot", "dot"],
  ["gv", "dot"],
  ["mmd", "mermaid"],
  ["mermaid", "mermaid"]
] as const

describe.concurrent("weft graph", () => {
  it.each(["svg", "dot", "mermaid"] as const)("prints %s", async (format) => {
    const { code, stderr, stdout } = await weft(["graph", "words.ts", "--format", format])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(beginnings[format])
  })

  it.each(endings)("takes the format from a file's ending .%s", async (ending, format) => {
    const out = join(folder, `graph.${ending}`)
    expect(await weft(["graph", "words.ts", "--out", out])).toEqual({ code: 0, stdout: "", stderr: "" })
    expect(readFileSync(out, "utf8")).toMatch(beginnings[format])
  })

  it("draws what the input leads to, and runs nothing", async () => {
    const dot = async (...args: ReadonlyArray<string>) =>
      (await weft(["graph", "unbuildable.ts", "-f", "dot", "-i", '{"list": [1, 2]}', ...args])).stdout
    expect(await dot()).toContain('"double #1"')
    expect(await dot("--group")).toContain("double × 2")
    expect(await dot("--no-group")).not.toContain("double × 2")
  })

  it("explains what is wrong", async () => {
    expect(await weft(["graph", "nope.ts"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: nope.ts: there is no such file\n"
    })
    expect((await weft(["graph", "checked.ts"])).code).toBe(2)
    expect((await weft(["graph", "words.ts", "--format", "png"])).code).toBe(2)
  })

  it("keeps quiet when nobody reads to the end", async () => {
    const command = start(["graph", "words.ts"])
    command.process.stdout?.destroy()
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" })
  })
})
