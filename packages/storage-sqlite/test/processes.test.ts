// Several processes write to one file at once, and one of them is killed in the middle.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { runsOf } from "../../storage/test/records.ts"
import { HistorySqlite } from "../src/index.ts"

let folder: string
const children: Array<ChildProcess> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-sqlite-"))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  rmSync(folder, { recursive: true })
})

interface Writer {
  readonly child: ChildProcess
  /** The runs that it said it recorded. */
  readonly said: () => ReadonlyArray<string>
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>
}

const write = (
  file: string,
  name: string,
  rounds: number,
  onRun: (count: number) => void = () => {}
): Writer => {
  const program = join(import.meta.dirname, "fixtures/writer.ts")
  const child = spawn(process.execPath, ["--conditions=@weft/source", program, file, name, String(rounds)])
  children.push(child)
  let stdout = ""
  let stderr = ""
  const said = () => stdout.split("\n").slice(0, -1)
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    onRun(said().length)
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, stderr }))
  })
  return { child, said, ended }
}

describe("several processes on a file that none of them has made before", { timeout: 120_000 }, () => {
  it("lose nothing, though one is killed while it writes", async () => {
    const file = join(folder, "new/history.sqlite")
    const rounds = 25
    const names = ["a", "b", "c"]
    const writers = names.map((name) => write(file, name, rounds))
    const victim: Writer = write(file, "victim", 1_000_000, (count) => {
      if (count >= 5) victim.child.kill("SIGKILL")
    })
    for (const { ended } of writers) expect(await ended).toEqual({ code: 0, stderr: "" })
    await victim.ended

    const { close, history } = HistorySqlite.make({ file })
    const [records, counters, shared] = await Effect.runPromise(
      Effect.all([
        history.runs({ limit: 10_000 }),
        history.summaries(["all", ...names, "victim"]),
        history.batches("shared")
      ])
    )
    const runs = runsOf(records)
    const of = (name: string) => runs.filter((run) => run.startsWith(`${name}-`))
    for (const { said } of writers) expect(said()).toHaveLength(rounds)
    // It may have been killed between the record and saying so.
    expect(of("victim").length - victim.said().length).toBeOneOf([0, 1])
    expect(runs).toEqual(expect.arrayContaining([...victim.said()]))
    expect(names.map((name) => of(name).length)).toEqual([rounds, rounds, rounds])

    const [all, ...each] = counters.map((summary) => new DataView(summary!.bytes.slice().buffer).getUint32(0))
    const [, , , byVictim = 0] = each
    expect(each.slice(0, 3)).toEqual([rounds, rounds, rounds])
    expect(byVictim - of("victim").length).toBeOneOf([0, 1])
    expect(all! - 3 * rounds - byVictim).toBeOneOf([0, 1])

    const texts = shared.map((batch) => new TextDecoder().decode(batch))
    expect(texts).toEqual(expect.arrayContaining([...runs]))
    for (const name of names) {
      expect(texts.filter((text) => text.startsWith(`${name}-`))).toEqual(
        Array.from({ length: rounds }, (_, i) => `${name}-${i}`)
      )
      const details = await Effect.runPromise(history.details(`${name}-0`))
      expect(new TextDecoder().decode(details)).toBe(`${name}-0`.repeat(1_000))
    }
    close()

    const db = new DatabaseSync(file)
    expect(db.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }])
    db.close()
  })
})
