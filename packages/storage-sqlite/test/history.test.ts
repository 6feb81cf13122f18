// What the suite of @weft/storage cannot ask of all histories: the file, its folder, and what else may lie there.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { History } from "@weft/storage"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { recordOf, runsOf } from "../../storage/test/records.ts"
import { HistorySqlite } from "../src/index.ts"

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-sqlite-"))
  file = join(folder, ".weft/history.sqlite")
})
afterEach(() => rmSync(folder, { recursive: true }))

const using = <A, E>(
  work: (history: History["Service"]) => Effect.Effect<A, E>,
  options: Partial<HistorySqlite.HistoryOptions> = {}
): Promise<A> =>
  Effect.runPromise(History.use(work).pipe(Effect.provide(HistorySqlite.layer({ file, ...options }))))

/** What another program does to the file. */
const meanwhile = (...statements: ReadonlyArray<string>) => {
  const db = new DatabaseSync(file)
  for (const statement of statements) db.exec(statement)
  db.close()
}

const errorOf = (work: (history: History["Service"]) => Effect.Effect<unknown, unknown> = read) =>
  using((history) => Effect.flip(work(history))) as Promise<Error & { reason: string; operation: string }>
const read = (history: History["Service"]) => history.runs({})

describe("the file", () => {
  it("is not there before it is needed", async () => {
    await using(() => Effect.void)
    expect(readdirSync(folder)).toEqual([])
  })

  it("gets a folder that is not committed, and is alone in it when nobody has it open", async () => {
    await using((history) => history.record(recordOf("a")))
    expect(readdirSync(dirname(file)).sort()).toEqual([".gitignore", "history.sqlite"])
    expect(readFileSync(join(dirname(file), ".gitignore"), "utf8")).toBe("*\n")
    expect(runsOf(await using(read))).toEqual(["a"])
  })

  it("leaves a folder that was there as it is", async () => {
    file = join(folder, "history.sqlite")
    await using((history) => history.record(recordOf("a")))
    expect(readdirSync(folder)).toEqual(["history.sqlite"])
  })

  it("is made anew if it is removed while it is open", () =>
    using((history) =>
      Effect.gen(function* () {
        yield* history.record(recordOf("a"))
        rmSync(dirname(file), { recursive: true })
        expect(yield* history.runs({})).toEqual([])
        yield* history.record(recordOf("b"))
        expect(runsOf(yield* history.runs({}))).toEqual(["b"])
        expect(existsSync(file)).toBe(true)
      })
    ))

  it("can be closed, and opens again when it is used", async () => {
    const { close, history } = HistorySqlite.make({ file })
    await Effect.runPromise(history.record(recordOf("a")))
    close()
    close()
    expect(runsOf(await Effect.runPromise(history.runs({})))).toEqual(["a"])
    close()
  })
})

describe("a file that cannot be used", () => {
  const nobody = 65_534

  it("is of a later version", async () => {
    await using(read)
    meanwhile("PRAGMA user_version = 2")
    const error = await errorOf()
    expect(error).toMatchObject({ _tag: "StoreError", reason: "corrupt", operation: "read the history" })
    expect(error.message).toContain(`${file} was written by a later version of weft`)
    expect(error.message).toContain("Update weft, or name another file")
  })

  it("is a database of another program, and stays as it was", async () => {
    mkdirSync(dirname(file))
    meanwhile("CREATE TABLE theirs (a)", "INSERT INTO theirs VALUES (1)")
    const error = await errorOf((history) => history.record(recordOf("a")))
    expect(error).toMatchObject({ reason: "corrupt", operation: "record a run" })
    expect(error.message).toContain("is a database of another program")
    meanwhile("INSERT INTO theirs VALUES (2)")
    expect(readdirSync(dirname(file))).toEqual(["history.sqlite"])
  })

  it.each([
    [
      "text",
      "this is no database, but it is long enough to be told from one that has not been written yet\n".repeat(
        9
      )
    ],
    ["a short text", "no"]
  ])("is no database, but %s", async (_, text) => {
    mkdirSync(dirname(file))
    writeFileSync(file, text)
    expect(await errorOf()).toMatchObject({
      reason: "corrupt",
      message: expect.stringMatching(/is not a history of weft, nor any SQLite database\. Move it away, or/)
    })
    expect(readFileSync(file, "utf8")).toBe(text)
  })

  it("is a folder", async () => {
    mkdirSync(file, { recursive: true })
    expect(await errorOf()).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("Is it a folder, or are rights missing there?")
    })
  })

  it("would be in a folder that is a file", async () => {
    writeFileSync(join(folder, ".weft"), "")
    expect(await errorOf()).toMatchObject({
      reason: "refused",
      message: expect.stringMatching(/cannot be opened\..*--history FILE, or WEFT_HISTORY/)
    })
  })

  it.skipIf(process.platform !== "linux")("would be where no folders can be made", async () => {
    file = "/proc/weft/history.sqlite"
    expect(await errorOf()).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("/proc/weft/history.sqlite cannot be created: ENOENT")
    })
  })

  it("lacks a table", async () => {
    await using(read)
    meanwhile("DROP TABLE runs")
    expect(await errorOf()).toMatchObject({
      reason: "corrupt",
      message: expect.stringMatching(/is not as weft left it \(no such table: runs\)/)
    })
  })

  it("is read-only", async () => {
    await using((history) => history.record(recordOf("a")))
    for (const path of [file, dirname(file), folder]) chmodSync(path, path === file ? 0o444 : 0o555)
    // To the superuser nothing is read-only.
    const me = process.geteuid?.()
    if (me === 0) process.seteuid?.(nobody)
    try {
      expect(await errorOf((history) => history.record(recordOf("b")))).toMatchObject({
        reason: "refused",
        message: expect.stringMatching(/Give the right to write there, or|are rights missing there\?/)
      })
    } finally {
      if (me === 0) process.seteuid?.(0)
      for (const path of [folder, dirname(file), file]) chmodSync(path, 0o755)
    }
    expect(runsOf(await using(read))).toEqual(["a"])
  })

  it("is held by another process: it is waited for, and no longer than that is worth", async () => {
    await using(read)
    const other = new DatabaseSync(file)
    other.exec("BEGIN IMMEDIATE")
    let isFree = false
    const waiting = using((history) => history.record(recordOf("a"))).then(() => expect(isFree).toBe(true))
    expect(runsOf(await using(read))).toEqual([])
    isFree = true
    other.exec("COMMIT")
    other.close()
    await waiting
    expect(runsOf(await using(read))).toEqual(["a"])
  })
})

describe("what is passed over", () => {
  it("are records of other versions, and what is no record; they are counted, and pruned like others", async () => {
    await using((history) => Effect.forEach([1, 2, 3, 4, 5], (i) => history.record(recordOf(`r${i}`, i))))
    meanwhile(
      `UPDATE runs SET record = '{"version":1,"run":"r5"}' WHERE run = 'r5'`,
      `UPDATE runs SET record = 'garbage' WHERE run = 'r4'`,
      `UPDATE runs SET record = replace(record, '"makespanMs":1', '"makespanMs":-1') WHERE run = 'r2'`
    )
    expect(runsOf(await using((history) => history.runs({})))).toEqual(["r3", "r1"])
    expect(runsOf(await using((history) => history.runs({ limit: 1 })))).toEqual(["r3"])
    expect(await using((history) => history.unreadable)).toBe(3)
    expect(await using((history) => history.prune({ keep: 3 }))).toBe(2)
    expect(runsOf(await using(read))).toEqual(["r3"])
    expect(await using((history) => history.unreadable)).toBe(2)
    await using((history) => history.record(recordOf("r5", 5)))
    expect(await using((history) => history.unreadable)).toBe(1)
  })
})

describe("retention", () => {
  it("keeps so many runs of each workflow, and the details of fewer", () =>
    using(
      (history) =>
        Effect.gen(function* () {
          const details = (run: string) => Effect.map(history.details(run), (bytes) => bytes?.[0])
          for (const i of [5, 1, 4, 2, 3]) yield* history.record(recordOf(`r${i}`, i), Uint8Array.of(i))
          yield* history.record(recordOf("x", 0, { workflow: "x" }), Uint8Array.of(9))
          expect(runsOf(yield* history.runs({ workflow: "w" }))).toEqual(["r5", "r4", "r3"])
          expect(yield* Effect.forEach(["r5", "r4", "r3", "r2", "x"], details)).toEqual([
            ...[5, 4, undefined, undefined, 9]
          ])
        }),
      { runs: 3, details: 2 }
    ))

  it("lets batches go that no run claimed, whatever is recorded", async () => {
    await using((history) => history.upload("lost", Uint8Array.of(1)))
    meanwhile("UPDATE batches SET at = at - 100000000")
    await using((history) => history.record(recordOf("a")))
    const db = new DatabaseSync(file)
    expect(db.prepare("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 0 })
    db.close()
  })

  it("gives back the space of what was pruned", async () => {
    const size = () => readFileSync(file).length
    await using((history) =>
      Effect.forEach(Array.from({ length: 20 }), (_, i) =>
        history.record(recordOf(`r${i}`, i), new Uint8Array(100_000).fill(i))
      )
    )
    expect(size()).toBeGreaterThan(2_000_000)
    await using((history) => history.prune({ keep: 1 }))
    expect(size()).toBeLessThan(400_000)
  })
})
