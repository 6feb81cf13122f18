import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import type { Cold } from "../src/cold.ts"
import type { Row } from "../src/faults.ts"
import { type Parts, parts } from "../src/path.ts"
import type { Case } from "../src/stages.ts"
import type { Started } from "../src/start.ts"
import type { Wide } from "../src/wide.ts"

/** What a part of the benchmark wrote. */
const figuresOf = async (part: string, ...more: ReadonlyArray<string>): Promise<Record<string, unknown>> => {
  const folder = await mkdtemp(join(tmpdir(), "weft-lambda-"))
  try {
    const out = join(folder, "report.json")
    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
    const args = ["--conditions=@weft/source", main, "--quick", "--only", part, "--out", out, ...more]
    const told = promisify(execFile)(process.execPath, args)
    // What it prints says what went wrong.
    const { stderr = "", stdout } = await told.catch(
      (error: { readonly stdout: string; readonly stderr: string }) => error
    )
    return JSON.parse(await readFile(out, "utf8").catch(() => expect.fail(`${stdout}\n${stderr}`)))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const options = { timeout: 300_000 }

test("start: all workers start, cold ones once", options, async () => {
  const { start } = (await figuresOf("start", "--workers", "8", "--latency", "50")) as {
    readonly start: ReadonlyArray<Started>
  }
  expect(start.map(({ isCold }) => isCold)).toEqual([true, false])
  for (const { isCold, serial, weft, workers } of start) {
    for (const one of [...weft, ...serial]) {
      expect(one.lastStartMs).toBeGreaterThan(0)
      expect(one.coldStarts).toBe(isCold ? workers : 0)
    }
    for (const one of serial) expect([one.hops, one.mostSent]).toEqual([1, 0])
  }
  for (const { hops, mostSent } of start.flatMap(({ weft }) => weft)) expect([hops, mostSent]).toEqual([1, 0])
})

test("wide: each worker has an environment of its own at the same moment", options, async () => {
  const wide = (await figuresOf("wide")).wide as Wide
  expect([wide.processes, wide.environments]).toEqual([20, 20])
  expect(wide.totalMiB).toBeGreaterThan(20)
})

test("stages: the parts add up to the makespan", options, async () => {
  const stages = (await figuresOf("stages")).stages as ReadonlyArray<Case>
  expect(stages.map(({ isCold }) => isCold)).toEqual([true, false])
  for (const { isCold, runs, taskMs } of stages) {
    for (const run of runs) {
      const sum = Object.values(run.parts).reduce((sum, ms) => sum + ms, 0)
      expect(sum).toBeCloseTo(run.makespanMs, 3)
      // Timers may be early by a ms.
      expect(run.parts["user code"]).toBeGreaterThanOrEqual(3 * (taskMs - 1))
      const started = parts
        .filter((part) => part.startsWith("start:"))
        .map((part) => run.parts[part as keyof Parts])
      expect(started.every((ms) => ms > 0)).toBe(isCold)
    }
  }
})

test("cold: runs load no client of the SDK that they do not use", options, async () => {
  const { loaded, sizes, starts } = (await figuresOf("cold")).cold as Cold
  expect(starts).toHaveLength(1)
  for (const { emptyInitMs, firstMs, importMs, initMs, warmMs } of starts) {
    for (const all of [emptyInitMs, initMs, importMs, firstMs]) expect(all).toHaveLength(2)
    expect(warmMs).toHaveLength(6)
  }
  expect(sizes.map(({ package: name }) => name)).toContain("@weft/worker")
  expect(loaded.map(({ has }) => [has["client-lambda"], has["client-s3"]])).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [true, true]
  ])
  for (const { has } of loaded) expect(has.ioredis).toBe(true)
})

// The others are tested with the engine.
test("faults: runs survive limits", options, async () => {
  const names = ["no more than 5 invocations at once, wide", "functions time out after 4 s, long tasks"]
  const asked = names.flatMap((name) => ["--fault", name])
  const faults = (await figuresOf("faults", ...asked)).faults as ReadonlyArray<Row>
  expect(faults.map(({ fault }) => fault)).toEqual(names)
  const wrong = faults.filter(({ outcomes }) => outcomes.some(({ verdict }) => verdict !== "survived"))
  expect(wrong).toEqual([])
})
