// What is said of modules that cannot be used, whether asked directly, by a thread or by a process.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it } from "vitest"
import { processes, TaskModule, threads } from "../src/index.ts"
import { serve } from "./fixtures/served.ts"
import { add, moduleUrl } from "./fixtures/tasks.ts"
import { failure } from "./harness.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-module-"))
const pool = threads({ threads: 1, idleMs: 1 })
const others = processes({ processes: 1, idleMs: 1 })
const shared = await serve()
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await Promise.all([pool.close(), others.close()])
  await shared[Symbol.asyncDispose]()
})

let files = 0
const write = (source: string) => {
  const file = join(folder, `module-${files++}.mjs`)
  writeFileSync(file, source.replaceAll("@weft/core", import.meta.resolve("@weft/core")))
  return pathToFileURL(file).href
}
const core = 'import { task, workflow } from "@weft/core"\n'

const broken: ReadonlyArray<readonly [name: string, source: string, message: RegExp]> = [
  [
    "throws",
    'throw new TypeError("not today")',
    /threw when it was imported: TypeError: not today\n {4}at .*\.mjs:1:7/
  ],
  ["throws no error", "throw 42", /threw 42 when it was imported/],
  ["does not parse", "export const = 1", /has a syntax error: .*Unexpected token/],
  [
    "imports what is not there",
    'import "./nowhere.mjs"',
    /imports something that cannot be found: .*nowhere\.mjs/
  ],
  [
    "imports a package that is not there",
    'import "@weft/nowhere"',
    /imports something that cannot be found: .*@weft\/nowhere/
  ],
  [
    "exports two tasks of one name",
    `${core}export const a = task("same", () => 1)\nexport const b = task("same", () => 2)`,
    /exports two different tasks named "same"/
  ]
]

describe("load", () => {
  const load = (url: string) => Effect.runPromise(TaskModule.load(url))

  it("finds the exported tasks by their names, and the workflow", async () => {
    const { tasks, workflow } = await load(
      write(
        `${core}export const one = task("first", () => 1)\nexport const other = one.with({ retry: 2 })\n` +
          "export const number = 1\nexport default workflow(import.meta, () => one())"
      )
    )
    expect([...tasks.keys()]).toEqual(["first"])
    expect(workflow?.name).toMatch(/^module-/)
  })

  it("needs no workflow", async () => {
    expect((await load(moduleUrl)).workflow).toBeUndefined()
  })

  it("says that there is no such file", async () => {
    const url = pathToFileURL(join(folder, "nowhere.mjs")).href
    await expect(load(url)).rejects.toThrow(`${join(folder, "nowhere.mjs")}: there is no such file`)
  })

  // The tests' own loader has words of its own for syntax errors; threads use Node's.
  const readable = broken.filter(([name]) => name !== "does not parse")
  it.each(readable)("says of a module that it %s", async (_, source, message) => {
    const error: unknown = await load(write(source)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TaskModule.ModuleError)
    expect((error as TaskModule.ModuleError).file).toContain(folder)
    expect((error as Error).message).toMatch(message)
  })
})

describe("loadBehaviour", () => {
  it("says that there is none", async () => {
    await expect(Effect.runPromise(TaskModule.loadBehaviour(moduleUrl, "shiny"))).rejects.toThrow(
      'exports no behaviour for the annotation "shiny"'
    )
  })
})

describe.each([
  { name: "a thread", engine: pool, stores: {} },
  { name: "a process", engine: others, stores: { shared, leaseMs: 10_000 } }
])("$name", ({ engine, stores }) => {
  const failed = (module: string, targets: unknown = add(1, 2)) =>
    failure(targets, { engine, module, ...stores })

  it.each(broken)("ends the run if the module %s", async (_, source, message) => {
    const found = await failed(write(source))
    expect(found).toMatchObject({ kind: "missing", attempts: 1 })
    expect(found.message).toMatch(message)
  })

  it("ends the run if there is no such module", async () => {
    const found = await failed(pathToFileURL(join(folder, "nowhere.mjs")).href)
    expect(found).toMatchObject({
      kind: "missing",
      message: expect.stringContaining("there is no such file")
    })
  })

  it("ends the run if the module does not export a task", async () => {
    const found = await failed(write(`${core}export const other = task("other", () => 1)`), add(add(1, 2)))
    expect(found).toMatchObject({ kind: "missing", task: "add", instance: 0 })
    expect(found.message).toContain('exports no task named "add"')
  })

  it("goes on with other runs after that", async () => {
    await failed(write("throw 1"))
    await expect(failure(add(), { engine, module: moduleUrl, ...stores })).rejects.toThrow()
  })
})
