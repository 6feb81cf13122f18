// What each strategy promises of what was measured, when the process is killed.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { type History, StoreError, type UploadStrategy } from "@weft/storage"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Collected } from "../src/index.ts"
import { Recording } from "../src/recording.ts"
import { begin, ran } from "./batches.ts"

const NODES = 400
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-upload-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Kills a process with SIGKILL when it has said a line; how many nodes it had completed by then, and how many are there. */
const killed = async (strategy: UploadStrategy, when: (line: string) => boolean) => {
  const file = join(folder, "batches")
  const script = join(import.meta.dirname, "fixtures/recording.ts")
  const child = spawn(
    process.execPath,
    ["--conditions=@weft/source", script, JSON.stringify([file, strategy, NODES])],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  const completed: Array<number> = []
  for await (const line of createInterface(child.stdout)) {
    const [what, , at] = line.split(" ")
    if (what === "complete") completed.push(Number(at))
    if (when(line) && !child.killed) child.kill("SIGKILL")
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  const text = existsSync(file) ? readFileSync(file, "utf8") : ""
  const collected = new Collected()
  for (const line of text.split("\n").filter((line) => line !== ""))
    collected.add(Buffer.from(line, "base64"))
  return { completed, there: collected.completed }
}

const half = (line: string) => line.startsWith(`complete ${NODES / 2} `)

describe("when its process is killed by SIGKILL", { timeout: 120_000 }, () => {
  it('"task" loses nothing of what was complete', async () => {
    const { completed, there } = await killed("task", half)
    expect(completed.length).toBeGreaterThan(NODES / 2)
    expect(there).toBeGreaterThanOrEqual(completed.length)
  })

  it("{ queued } loses fewer than that", async () => {
    const { completed, there } = await killed({ queued: 10 }, half)
    expect(there).toBeGreaterThan(completed.length - 10)
  })

  it("{ everyMs } loses what was measured in that time", async () => {
    const everyMs = 100
    const { completed, there } = await killed({ everyMs }, half)
    const last = completed.at(-1)!
    // What was measured that long before the last sign of life, give or take one turn of its event loop.
    const due = completed.filter((at) => at < last - 2 * everyMs)
    expect(due.length).toBeGreaterThan(0)
    expect(there).toBeGreaterThanOrEqual(due.length)
  })

  it('"stop" loses what workers have measured that have not stopped', async () => {
    expect((await killed("stop", half)).there).toBe(0)
    expect((await killed("stop", (line) => line === "waiting")).there).toBe(NODES + 1)
  })
})

describe("a history that does not answer", () => {
  const broken = new StoreError({ reason: "unavailable", operation: "test", detail: "away" })
  const recordingTo = (upload: History["Service"]["upload"], strategy: UploadStrategy = "task") => {
    const recording = new Recording("r", strategy)
    recording.uses({ upload } as unknown as History["Service"])
    return { recording, life: begin(recording.recorder, "w1") }
  }

  it("holds nobody up, and gets what it missed when it is back", async () => {
    const got: Array<Uint8Array> = []
    let isAway = true
    const { life, recording } = recordingTo((_, batch) =>
      Effect.suspend(() => (isAway ? Effect.fail(broken) : Effect.sync(() => void got.push(batch))))
    )
    ran(life, 0, 1100)
    await Effect.runPromise(recording.beforeTelling!)
    isAway = false
    ran(life, 1, 1200)
    await Effect.runPromise(recording.flush)
    const collected = new Collected()
    for (const batch of got) collected.add(batch)
    expect(collected.completed).toBe(2)
  })

  it("gets one upload at a time, with all that came meanwhile in the next", async () => {
    let under = 0
    const sizes: Array<number> = []
    const { life, recording } = recordingTo((_, batch) =>
      Effect.gen(function* () {
        expect(++under).toBe(1)
        yield* Effect.sleep(5)
        under--
        const collected = new Collected()
        collected.add(batch)
        sizes.push(collected.completed)
      })
    )
    const flushes = Array.from({ length: 5 }, (_, node) => {
      ran(life, node, 1100 + node)
      return Effect.runPromise(recording.flush)
    })
    await Promise.all(flushes)
    expect(sizes).toEqual([1, 4])
  })
})
