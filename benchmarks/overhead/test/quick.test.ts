import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"

test("every case gives right results, on each engine in turn, and the report is complete", {
  timeout: 300_000
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "weft-overhead-"))
  try {
    const out = join(folder, "report.json")
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
    const args = ["--conditions=@weft/source", main, "--quick", "--out", out]
    // A case whose result is wrong ends its process, and with it the benchmark.
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { facts, machine, measured } = JSON.parse(await readFile(out, "utf8"))
    expect(measured.map(({ engine }: { engine: string }) => engine)).toEqual(
      Array.from({ length: 7 }, (_, i) => ["inline", "threads", "processes"][i % 3])
    )
    for (const { baselineMs, makespanMs, shape } of measured) {
      expect(makespanMs.length, shape).toBeGreaterThan(0)
      expect(baselineMs.length, shape).toBeGreaterThan(0)
      expect(stdout).toContain(shape)
    }
    expect(facts.imageNodes).toBe(14)
    expect(machine.cores).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})
