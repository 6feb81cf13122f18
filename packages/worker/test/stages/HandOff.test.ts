import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { each } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import type { Invocation, Work } from "../../src/Invocation.ts"
import { inline, Sizes, threads } from "../../src/index.ts"
import { divide, invocationsFor, tree } from "../../src/stages/HandOff.ts"
import { contextOf } from "../context.ts"
import { Stumbles, stumbles } from "../fixtures/behaviours.ts"
import { add, double, exitOnce, identity, list, moduleUrl } from "../fixtures/tasks.ts"
import { value } from "../harness.ts"

const pool = threads({ threads: 2, fanOut: 2, idleMs: 1 })
afterAll(() => pool.close())

const fresh = (count: number): Array<Work> =>
  Array.from({ length: count }, (_, instance) => ({ instance, attempt: 1 }))

describe("divide", () => {
  it("gives each piece a share of what is left, so that pieces get smaller", () => {
    expect(divide(fresh(20), 2).map(({ length }) => length)).toEqual([5, 4, 3, 2, 2, 1, 1, 1, 1])
  })

  it.each([
    [0, 1],
    [1, 1],
    [7, 64],
    [1000, 1],
    [1000, 8]
  ])("keeps all of the work, in its order: %i nodes for %i at once", (count, parallelism) => {
    const work = fresh(count)
    const pieces = divide(work, parallelism)
    expect(pieces.flat()).toEqual(work)
    expect(pieces.every(({ length }) => length > 0)).toBe(true)
    const sizes = pieces.map(({ length }) => length)
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })

  it("makes so few pieces that a large fan-out needs few invocations", () => {
    expect(divide(fresh(100_000), 8).length).toBeLessThan(200)
  })

  it("lets what was lost with a worker before go alone, and first", () => {
    const lost = [3, 5].map((instance) => ({ instance, attempt: 2 }))
    const work = fresh(8).map((one) => lost.find(({ instance }) => instance === one.instance) ?? one)
    const pieces = divide(work, 1)
    expect(pieces.slice(0, 2)).toEqual(lost.map((one) => [one]))
    expect(pieces.slice(2).flat()).toEqual(
      fresh(8).filter(({ instance }) => instance !== 3 && instance !== 5)
    )
  })
})

const invocation = (worker: string, spawn: ReadonlyArray<Invocation> = []): Invocation => ({
  run: "run",
  worker,
  named: false,
  work: [],
  values: [],
  spawn
})
const workers = (invocations: ReadonlyArray<Invocation>): Array<string> =>
  invocations.flatMap(({ spawn, worker }) => [worker, ...workers(spawn)])
const widest = (invocations: ReadonlyArray<Invocation>): number =>
  Math.max(invocations.length, ...invocations.map(({ spawn }) => widest(spawn)))

/** What each worker does with what it is to spawn, until nothing is left. */
const unfold = (invocations: ReadonlyArray<Invocation>, fanOut: number): Array<Array<string>> =>
  invocations.length === 0
    ? []
    : [
        invocations.map(({ worker }) => worker),
        ...invocations.flatMap(({ spawn }) => unfold(tree(spawn, fanOut), fanOut))
      ]

describe("tree", () => {
  it("leaves alone what one worker can send", () => {
    const few = ["a", "b"].map((worker) => invocation(worker))
    expect(tree(few, 2)).toBe(few)
    expect(tree(few, Number.POSITIVE_INFINITY)).toBe(few)
  })

  it.each([
    [3, 2],
    [10, 2],
    [100, 3],
    [17, 4]
  ])("has nobody send more than it should, and everyone be sent once: %i by %i", (count, fanOut) => {
    const all = Array.from({ length: count }, (_, i) => invocation(`w${i}`))
    const heads = tree(all, fanOut)
    expect(heads.length).toBeLessThanOrEqual(fanOut)
    expect(workers(heads).toSorted()).toEqual(workers(all).toSorted())
    const sent = unfold(heads, fanOut)
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThanOrEqual(fanOut)
    expect(sent.flat().toSorted()).toEqual(workers(all).toSorted())
  })

  it.each([
    [17, 16, 1],
    [100, 16, 6],
    [272, 16, 16],
    [500, 16, 32]
  ])("has as few invoke others as can: %i by %i", (count, fanOut, senders) => {
    const all = Array.from({ length: count }, (_, i) => invocation(`w${i}`))
    expect(unfold(tree(all, fanOut), fanOut)).toHaveLength(1 + senders)
  })

  it("sends the first ones at once, and has the last of those invoke the rest", () => {
    const all = ["a", "b", "c", "d"].map((worker) => invocation(worker))
    expect(tree(all, 3)).toEqual([all[0], all[1], invocation("c", [all[3]!])])
  })

  it.each([
    [100, 64, 256, 0],
    [500, 64, 256, 4],
    [1000, 64, 256, 12]
  ])("has the client send more at once: %i by %i and %i", (count, fanOut, own, senders) => {
    const all = Array.from({ length: count }, (_, i) => invocation(`w${i}`))
    const heads = tree(all, fanOut, own)
    expect(heads).toHaveLength(Math.min(count, own))
    expect(unfold(heads, fanOut)).toHaveLength(1 + senders)
  })

  it("keeps what an invocation was to spawn already", () => {
    const all = [invocation("a", [invocation("x")]), invocation("b"), invocation("c")]
    expect(workers(tree(all, 1)).toSorted()).toEqual(["a", "b", "c", "x"])
    expect(widest(tree(all, 1))).toBe(3)
  })
})

describe("invocationsFor", () => {
  it("invokes named workers without work, and flexible ones with all of it", () => {
    const reply = {
      invoke: ["named"],
      ready: fresh(3).map((one) => ({ ...one, inputs: [] }))
    }
    const made = invocationsFor("run", reply, { parallelism: 1, fanOut: Number.POSITIVE_INFINITY })
    expect(made[0]).toEqual({ ...invocation("named"), named: true })
    expect(made.slice(1).flatMap(({ work }) => work)).toEqual(fresh(3))
    expect(new Set(made.map(({ worker }) => worker)).size).toBe(made.length)
  })

  it("divides what needs the same memory among workers of that size", () => {
    const nodes = [512, 1024, 3072, 512].flatMap((memory) => [1, 2].map(double.with({ memory })))
    const { graph, plan } = contextOf([...nodes, identity(0)], [[8, "named"]])
    const sizes = new Sizes(graph, plan)
    const ready = fresh(8).map((one) => ({ ...one, inputs: [] }))
    const made = invocationsFor("run", { invoke: ["named"], ready }, { parallelism: 1, fanOut: 9, sizes })
    expect(made.map(({ memoryMiB, work }) => [memoryMiB, work.map(({ instance }) => instance)])).toEqual([
      [1024, []],
      [3072, [4]],
      [3072, [5]],
      // Nobody has less than what the plan gives to all.
      [1024, [0, 1, 2]],
      [1024, [3, 6]],
      [1024, [7]]
    ])
    expect(sizes.all()).toEqual([1024, 3072])
  })
})

describe("a worker that is lost before it has invoked others", () => {
  it.each([
    { name: "inline", engine: inline({ fanOut: 2, idleMs: 1 }) },
    { name: "threads", engine: pool }
  ])("is replaced, and so are they: $name", async ({ engine }) => {
    const folder = mkdtempSync(join(tmpdir(), "weft-stumbles-"))
    const { name, value: stumbling } = Stumbles({ folder, times: 6 })
    const plan = () => ({
      annotations: { [name]: stumbling },
      nodes: new Map([3, 4, 7].map((id) => [id, { worker: `w${id}` }] as const))
    })
    const nodes = Array.from({ length: 20 }, (_, n) => double(n))
    const settings = { engine, module: moduleUrl, maxAttempts: 100, behaviours: [stumbles], plan }
    expect(await value(add(...nodes), settings)).toBe(380)
    rmSync(folder, { recursive: true })
  })

  it("takes none of them with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-handoff-"))
    // Two at a time in one thread, which ends as soon as the first runs.
    const engine = threads({ threads: 1, concurrency: 2, fanOut: 2, idleMs: 1 })
    try {
      const all = each(list(4), (n) => double(exitOnce(folder, n)))
      const plan = () => ({ nodes: new Map([[1, { worker: "a" }]] as const) })
      const settings = { engine, module: moduleUrl, maxAttempts: 100 }
      expect(await value(all, settings)).toEqual([0, 2, 4, 6])
      const initial = Array.from({ length: 5 }, (_, i) => exitOnce(folder, 100 + i))
      expect(await value(add(...initial), { ...settings, plan })).toBe(510)
    } finally {
      rmSync(folder, { recursive: true })
      await engine.close()
    }
  }, 60_000)
})
