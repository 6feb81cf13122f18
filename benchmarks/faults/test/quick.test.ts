import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { faults } from "../src/faults.ts"

/** Some of each kind. What workers survive is tested beside them: here it is whether the benchmark notices. */
const KINDS = ["one after the other", "goes on", "come twice", "pubsub", "append-only", "out of memory"]
const RECOVERY = "its parent notices"

test("runs survive faults, and nothing of them is left", { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "weft-faults-"))
  try {
    const out = join(folder, "report.json")
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
    const asked = faults.filter(({ name }) => KINDS.some((kind) => name.includes(kind)))
    const only = [...KINDS, RECOVERY].flatMap((text) => ["--only", text])
    const args = ["--conditions=@weft/source", main, "--repeat", "1", "--out", out, ...only]
    const told = promisify(execFile)(process.execPath, args)
    // What it prints says which repetition went wrong.
    const { stdout } = await told.catch((error: { readonly stdout: string }) => error)
    const { recovered, rows } = JSON.parse(await readFile(out, "utf8").catch(() => expect.fail(stdout)))
    const wrong = rows.filter(({ outcomes }: { outcomes: ReadonlyArray<{ verdict: string }> }) =>
      outcomes.some(({ verdict }) => verdict !== "survived")
    )
    expect(wrong, stdout).toEqual([])
    expect(rows.map(({ fault }: { fault: string }) => fault)).toEqual(asked.map(({ name }) => name))
    expect(recovered).toHaveLength(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})
