// Whatever a task does, the run ends, and says which node failed and why.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { each, type Failure } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import { type Engine, inline, processes, threads } from "../src/index.ts"
import * as plain from "./fixtures/plain.ts"
import { serve } from "./fixtures/served.ts"
import * as tasks from "./fixtures/tasks.ts"
import { failure, type Settings, value } from "./harness.ts"

const { add, bad, double, echo } = tasks
const shared = await serve()
const settings = (engine: Engine): Settings => ({
  engine,
  module: tasks.moduleUrl,
  ...(engine.name === "processes" ? { shared, leaseMs: 10_000 } : {})
})

const all = threads({ threads: 2, idleMs: 5 })
const others = processes({ processes: 2, idleMs: 5 })
const small = threads({ threads: 1, heapMiB: 32 })
const folder = mkdtempSync(join(tmpdir(), "weft-failures-"))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await Promise.all([all.close(), others.close(), small.close()])
  await shared[Symbol.asyncDispose]()
})

describe.each([
  { name: "inline", engine: inline({ idleMs: 5 }) },
  { name: "threads", engine: all },
  { name: "processes", engine: others }
])("on $name", ({ engine }) => {
  const failed = (targets: unknown) => failure(targets, settings(engine))

  it.each<[tasks.Way, Partial<Failure.Failure>]>([
    ["error", { kind: "error", name: "RangeError", message: "too much" }],
    ["rejection", { kind: "error", name: "RangeError", message: "too much" }],
    ["generator", { kind: "error", name: "RangeError", message: "too much" }],
    ["cause", { kind: "error", name: "Error", message: "outside" }]
  ])("says what was thrown, and where: %s", async (way, expected) => {
    const found = await failed(add(1, bad(way) as never))
    expect(found).toMatchObject({ ...expected, task: "bad", instance: 0, attempts: 1 })
    expect(found.stack).toMatch(/fixtures\/tasks\.ts:\d+/)
  })

  it.each<[tasks.Way, string]>([
    ["undefined", "undefined"],
    ["rejectsUndefined", "undefined"],
    ["string", "just a text"],
    ["object", "{ code: 7, why: 'because' }"],
    ["symbol", "Symbol(sign)"]
  ])("says what was thrown if it is no error: %s", async (way, message) => {
    const found = await failed([bad(way)])
    expect(found).toMatchObject({ kind: "error", message })
    expect(found.name).toBeUndefined()
  })

  it("survives things that cannot be shown", async () => {
    expect(await failed(bad("bare"))).toMatchObject({ kind: "error", task: "bad" })
  })

  it.each<[tasks.Way, string]>([
    ["giveFunction", "result.call is a function (callMe)"],
    ["giveSymbol", "result[0] is a symbol (Symbol(sign))"],
    ["givePromise", "result[0] is a promise"],
    ["giveInstance", "result.deep[0] is an instance of Unknown"],
    ["giveItself", "result contains itself"],
    ["giveDeep", "is nested more than 1000 deep"],
    ["giveProto", "is a property named __proto__"],
    ["giveUnencodable", "cannot encode this"]
  ])("refuses results that cannot travel: %s", async (way, message) => {
    expect(await failed([bad(way)])).toMatchObject({
      kind: "result",
      task: "bad",
      message: expect.stringContaining(message)
    })
  })

  it("says which node reads what cannot be read", async () => {
    // Read in another worker: the second argument becomes ready on its own.
    const brittle = bad("giveUndecodable")
    const found = await failure(echo([brittle, 1]), {
      ...settings(engine),
      plan: () => ({ nodes: new Map([[1, { worker: "reader" }]]) })
    })
    expect(found).toMatchObject({
      kind: "input",
      task: "echo",
      instance: 1,
      message: expect.stringContaining("cannot decode this")
    })
  })

  it.each([[1], ["text"], [null], [new Set([1])], [{ a: 1 }]])(
    "each refuses what is no list: %o",
    async (what) => {
      const found = await failed(each(echo(what) as never, (item) => double(item as never)))
      expect(found).toMatchObject({
        kind: "input",
        task: "each",
        message: expect.stringContaining("needs a list")
      })
    }
  )

  it("says how long a task had that never ends", async () => {
    const found = await failed(tasks.never.with({ timeout: 20 })())
    expect(found).toMatchObject({
      kind: "timeout",
      task: "never",
      message: "did not end within its timeout of 20 ms"
    })
  })

  it("stops what runs beside a node that fails", async () => {
    await failed([tasks.never(), bad("rejection"), tasks.never()])
  })

  it("fails with the instance that failed, inside an each", async () => {
    const found = await failed(each([1, 2], () => bad("error")))
    expect(found.instance).toMatch(/^\d+\[[01]\]$/)
  })

  it("counts the attempts of a node that is tried again", async () => {
    expect(await value(tasks.failing.with({ retry: { attempts: 3, backoff: 1 } })(3), settings(engine))).toBe(
      3
    )
    const found = await failed(tasks.failing.with({ retry: { attempts: 2, backoff: 1 } })(3))
    expect(found).toMatchObject({ kind: "error", message: "attempt 2", attempts: 2 })
  })
})

describe("on threads", () => {
  // Threads that have never imported the module that registers the class.
  const fresh = threads({ threads: 1 })
  afterAll(() => fresh.close())

  it.each([
    ["small", new tasks.Point(1, 2)],
    ["large", { point: new tasks.Point(1, 2), text: "x".repeat(100_000) }]
  ])("says that the workflow's module does not know a class: %s", async (_, what) => {
    const found = await failure(plain.look(what), { engine: fresh, module: plain.moduleUrl })
    expect(found).toMatchObject({ attempts: 1, message: expect.stringContaining('an instance of "point"') })
    expect(found.message).toContain("register it at the top level of the workflow's module")
  })

  const failed = (targets: unknown, engine: Engine = all) => failure(targets, settings(engine))

  it.each([
    ["block", tasks.block.with({ timeout: 20 })()],
    ["blockLater", tasks.blockLater.with({ timeout: 20 })()],
    ["endlessly", tasks.endlessly.with({ timeout: 20 })()]
  ])("ends a thread that a task blocks for longer than its timeout: %s", async (task, node) => {
    const found = await failed([node, tasks.wait(1)])
    expect(found).toMatchObject({ kind: "timeout", task, instance: 0 })
  })

  it("ends a thread that is blocked when another node fails", async () => {
    await failed([tasks.block(), bad("rejection")], threadsOfItsOwn)
  })
  const threadsOfItsOwn = threads({ threads: 2 })
  afterAll(() => threadsOfItsOwn.close())

  it("runs again what a thread ran that ended", async () => {
    const nodes = [1, 2, 3, 4].map((n) => tasks.exitOnce(folder, n))
    expect(await value(add(...nodes), { ...settings(all), maxAttempts: 5 })).toBe(10)
  })

  it("gives up when a node has ended its thread too often", async () => {
    const found = await failed([tasks.exit(7), tasks.wait(1)])
    expect(found).toMatchObject({ kind: "lost", instance: 0, attempts: 3 })
    expect(found.message).toContain("exit code 7")
  })

  it("gives up when a node has filled the memory of its thread", async () => {
    const found = await failed(tasks.fillMemory(), small)
    expect(found).toMatchObject({ kind: "lost", instance: 0 })
    expect(found.message).toContain("ran out of heap memory")
  })

  it("says what a thread ended with that nobody caught", async () => {
    const found = await failed(tasks.throwLater())
    expect(found).toMatchObject({ kind: "lost", instance: 0 })
    expect(found.message).toContain("thrown where nobody catches it")
  })
})
