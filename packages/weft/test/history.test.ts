// Where runs are remembered, and that no run fails because of it.
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { History, Stores } from "@weft/storage"
import { HistorySqlite } from "@weft/storage-sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { InvalidHistory, inline, run, submit } from "../src/index.ts"
import { double, fail } from "./fixtures/front/flow.ts"

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-history-"))
  file = join(folder, "history.sqlite")
})
afterEach(() => rmSync(folder, { recursive: true }))

const options = { engine: inline({ idleMs: 5 }), output: "ignore" } as const

const recorded = (path = file) =>
  Effect.runPromise(
    History.use((history) => history.runs({})).pipe(Effect.provide(HistorySqlite.layer({ file: path })))
  )

/** Runs a program that uses weft, in a process of its own. */
const program = async (code: string) => {
  const main = join(folder, "main.mjs")
  const weft = JSON.stringify(new URL("../src/index.ts", import.meta.url).href)
  const flow = JSON.stringify(new URL("./fixtures/front/flow.ts", import.meta.url).href)
  writeFileSync(main, `import { run } from ${weft}\nimport { double } from ${flow}\n${code}`)
  const child = spawn(process.execPath, ["--conditions=@weft/source", main], {
    env: { ...process.env, WEFT_HISTORY: file }
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  const exit = await new Promise<number | null>((resolve) => child.on("close", resolve))
  return { code: exit, output }
}

describe("a history in a file", { timeout: 120_000 }, () => {
  it("has what ended, in whatever way, when the summary is there", async () => {
    await using one = await submit(double(1), { ...options, history: file })
    await using two = await submit(double(fail("no")), { ...options, history: file })
    const summaries = [await one.summary(), await two.summary()]
    expect(summaries.map(({ warnings }) => warnings)).toEqual([undefined, undefined])
    const runs = await recorded()
    expect(runs.map(({ run, status }) => [run, status])).toEqual(
      expect.arrayContaining([
        [one.run, "succeeded"],
        [two.run, "failed"]
      ])
    )
  })

  it("has the runs before when the next one of the process begins", async () => {
    for (let i = 0; i < 3; i++) await run(double(i), { ...options, history: file })
    await using last = await submit(double(9), { ...options, history: file })
    expect(await recorded()).toHaveLength(3)
    await last.summary()
  })

  it.each([
    ["ends by itself", "console.log(await run(double(1)))"],
    ["calls process.exit", "console.log(await run(double(1)))\nprocess.exit()"]
  ])("has the run of a program that %s", async (_, code) => {
    expect(await program(code)).toEqual({ code: 0, output: "2\n" })
    expect(await recorded()).toHaveLength(1)
  })
})

describe("a history in the stores that are given", () => {
  it("is there when the result is", async () => {
    const context = await ManagedRuntime.make(Stores.memory().layer).context()
    const store = { name: "memory", layer: Layer.succeedContext(context), reference: undefined }
    await run(double(1), { ...options, store })
    const history = Context.get(context, History)
    expect(await Effect.runPromise(history.runs({}))).toHaveLength(1)
    await run(double(1), { ...options, store, history: file })
    expect(await Effect.runPromise(history.runs({}))).toHaveLength(1)
    await expect.poll(async () => (await recorded()).length).toBe(1)
  })
})

describe("a history that cannot be used", () => {
  const broken = () => {
    mkdirSync(file)
    return { ...options, history: file }
  }

  it("makes no run fail: its summary says what is wrong", async () => {
    await using handle = await submit(double(1), broken())
    expect(await handle.result()).toBe(2)
    expect((await handle.summary()).warnings).toEqual([
      expect.stringMatching(/^the history could not record a run: \S+history\.sqlite cannot be opened/)
    ])
  })

  it("is warned of once, where nobody asks for summaries", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
    const all = broken()
    expect([await run(double(1), all), await run(double(2), all)]).toEqual([2, 4])
    await expect.poll(() => warn.mock.calls.length).toBe(1)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining(file), { code: "WEFT_HISTORY" })
    warn.mockRestore()
  })

  it("is told from one that makes no sense, which is refused before anything runs", async () => {
    await expect(run(double(1), { ...options, history: "nonne" })).rejects.toBeInstanceOf(InvalidHistory)
  })
})
