import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Stores } from "@weft/storage"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { InvalidHistory, placeOf } from "../../src/internal/HistoryPlace.ts"

const before = { folder: process.cwd(), history: process.env.WEFT_HISTORY }
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "weft-place-")))
  mkdirSync(join(folder, "project/src/deep"), { recursive: true })
  writeFileSync(join(folder, "project/package.json"), "{}")
  delete process.env.WEFT_HISTORY
})
afterEach(() => {
  process.chdir(before.folder)
  process.env.WEFT_HISTORY = before.history
  rmSync(folder, { recursive: true, force: true })
})

const at = (...path: ReadonlyArray<string>) => {
  process.chdir(join(folder, ...path))
  return placeOf(undefined, undefined)
}

describe("the place of a history", () => {
  it("is a file of the project, for runs in memory", () => {
    const file = join(folder, "project/.weft/history.sqlite")
    for (const path of ["project/src/deep", "project"]) expect(at(path)).toEqual({ kind: "file", file })
    expect(placeOf(undefined, "memory")).toEqual({ kind: "file", file })
    expect(placeOf("file", "redis://localhost")).toEqual({ kind: "file", file })
  })

  it("is a file in the current folder where there is no project", () => {
    expect(at(".")).toEqual({ kind: "file", file: join(folder, ".weft/history.sqlite") })
  })

  it("is in the store, if that is not this process's memory", () => {
    expect(placeOf(undefined, "redis://localhost")).toEqual({ kind: "store" })
    expect(placeOf(undefined, Stores.memory())).toEqual({ kind: "store" })
  })

  it("is this process where the folder is gone", () => {
    process.chdir(join(folder, "project/src/deep"))
    rmSync(folder, { recursive: true })
    expect(placeOf(undefined, undefined)).toEqual({ kind: "memory" })
  })

  it("is what WEFT_HISTORY says, but for stores that are given as they are; an option says more", () => {
    process.env.WEFT_HISTORY = "none"
    for (const store of [undefined, "memory", "redis://localhost"])
      expect(placeOf(undefined, store)).toEqual({ kind: "memory" })
    expect(placeOf(undefined, Stores.memory())).toEqual({ kind: "store" })
    expect(placeOf("store", undefined)).toEqual({ kind: "store" })
    process.env.WEFT_HISTORY = "store"
    expect(placeOf(undefined, undefined)).toEqual({ kind: "store" })
    process.env.WEFT_HISTORY = "/tmp/x.sqlite"
    expect(placeOf(undefined, "redis://localhost")).toEqual({ kind: "file", file: "/tmp/x.sqlite" })
    expect(placeOf("none", undefined)).toEqual({ kind: "memory" })
  })

  it.each(["nonne", "", "redis://user:secret@host", "memory"])(
    "is not %j: what would be is said",
    (given) => {
      const refused = () => placeOf(given, undefined)
      expect(refused).toThrow(InvalidHistory)
      expect(refused).toThrow(/write the path of a file such as \.\/history\.sqlite/)
      expect(refused).not.toThrow(/secret/)
    }
  )
})
