import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"

test("every case gives right results, and what is said to Redis is counted", {
  timeout: 120_000
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "weft-round-trips-"))
  try {
    const out = join(folder, "report.json")
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
    const args = ["--conditions=@weft/source", main, "--quick", "--out", out]
    // A case whose result is wrong ends the benchmark.
    await promisify(execFile)(process.execPath, args)
    const { counted, raw, timed } = JSON.parse(await readFile(out, "utf8"))
    expect(counted).toHaveLength(4)
    for (const { bytes, calls, commands, total } of counted) {
      // Every run begins, completes something, and is removed.
      expect(commands.EVALSHA + (commands.EVAL ?? 0)).toBeGreaterThan(3)
      // Counts, unlike times, are the same on every machine, within what timing decides.
      expect(total).toBeLessThan(3 * calls + 40)
      expect(bytes).toBeGreaterThan(1000)
    }
    expect(timed).toHaveLength(1)
    expect(raw.roundTrip).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})
