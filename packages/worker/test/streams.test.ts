// Items of a generator reach their readers while it runs; and whatever happens, readers get every item once.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stream } from "@weft/annotations"
import { each, type Node, task } from "@weft/core"
import type { Streams } from "@weft/storage"
import * as Effect from "effect/Effect"
import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { inline, processes, threads } from "../src/index.ts"
import { serve } from "./fixtures/served.ts"
import * as tasks from "./fixtures/streams.ts"
import { byName, failure, type Settings, value } from "./harness.ts"

const {
  all,
  count,
  countFast,
  countSync,
  first,
  inStep,
  kind,
  moduleUrl: module,
  sum,
  telling,
  wasMarked
} = tasks
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

const home = mkdtempSync(join(tmpdir(), "weft-streams-"))
let folders = 0
/** For what tasks of this test tell each other. */
let folder: string
beforeEach(() => {
  folder = join(home, String(folders++))
  mkdirSync(folder)
})
const shared = await serve()
const pool = threads({ threads: 2, idleMs: 5 })
const single = threads({ threads: 1, idleMs: 5 })
const pair = processes({ processes: 2, idleMs: 5 })
const one = processes({ processes: 1, idleMs: 5 })
afterAll(async () => {
  await Promise.all([pool.close(), single.close(), pair.close(), one.close()])
  await shared[Symbol.asyncDispose]()
  rmSync(home, { recursive: true })
})

/** Looks at what producers are told. */
const watching = (seen: (appended: { readonly first: number; readonly next: number }) => void) => ({
  streams: (real: Streams["Service"]): Streams["Service"] => ({
    ...real,
    append: (...args) => Effect.tap(real.append(...args), (appended) => Effect.sync(() => seen(appended)))
  })
})

const engines: ReadonlyArray<{ readonly name: string; readonly settings: Settings }> = [
  { name: "inline", settings: { engine: inline({ idleMs: 5 }), module } },
  { name: "threads", settings: { engine: pool, module } },
  { name: "processes", settings: { engine: pair, module, shared, leaseMs: 10_000 } }
]

describe.each(engines)("on $name", ({ settings }) => {
  it("each item is read before the next is yielded", async () => {
    const items = stream(inStep)(folder, 5, ["r"])
    expect(await value(telling(folder, "r", items), settings)).toEqual(upTo(5))
    expect(wasMarked(folder, "begun again")).toBe(false)
  })

  it("several readers get each item before the next is yielded", async () => {
    const items = stream(inStep)(folder, 5, ["r", "s"])
    const read = ["r", "s"].map((name) => telling(folder, name, items))
    expect(await value(read, settings)).toEqual([upTo(5), upTo(5)])
    expect(wasMarked(folder, "begun again")).toBe(false)
  })

  it("a generator that reads a stream yields while that runs", async () => {
    const items = stream(tasks.plusOne)(stream(tasks.plusOne)(stream(inStep)(folder, 4, ["r"], 2)))
    expect(await value(telling(folder, "r", items), settings)).toEqual([2, 3, 4, 5])
    expect(wasMarked(folder, "begun again")).toBe(false)
  })

  it("one that computes does, too", async () => {
    const items = stream(countSync)(60)
    expect(await value([all(items), sum(items)], settings)).toEqual([upTo(60), 1770])
  })

  it("many items come in order", async () => {
    const items = stream(countFast, { buffer: 64 })(20_000)
    expect(await value([all(items), sum(items)], settings)).toEqual([upTo(20_000), 199_990_000])
  })

  it("an empty one gives an empty list", async () => {
    expect(await value([all(stream(tasks.none)()), sum(stream(countFast)(0))], settings)).toEqual([[], 0])
  })

  it("the stream is never longer than the buffer", async () => {
    let longest = 0
    const watched = watching(({ first, next }) => {
      longest = Math.max(longest, next - first)
    })
    const items = stream(count, { buffer: 3 })(50)
    const streams = settings.shared === undefined ? watched : {}
    expect(await value([all(items), sum(items)], { ...settings, ...streams })).toEqual([upTo(50), 1225])
    if (settings.shared === undefined) expect([longest > 0, longest <= 3]).toEqual([true, true])
  })

  it("large items come, too", async () => {
    const items = stream(tasks.large, { buffer: 2 })(6, 300_000)
    expect(await value(tasks.lengths(items), settings)).toEqual(upTo(6).map((i) => 300_000_000 + i))
  })

  it("a reader that breaks off tells the generator to end", async () => {
    const items = stream(tasks.endless, { buffer: 4 })(folder)
    expect(await value([first(3, items), first(5, items)], settings)).toEqual([upTo(3), upTo(5)])
    await expect.poll(() => wasMarked(folder, "told to end")).toBe(true)
  })

  it("a reader that reads nothing is waited for by nobody", async () => {
    const items = stream(count, { buffer: 1 })(10, 1)
    expect(await value([tasks.ignoring(items, 7), first(0, items), all(items)], settings)).toEqual([
      7,
      [],
      upTo(10)
    ])
  })

  it("a reader may read twice", async () => {
    expect(await value(tasks.twice(stream(count, { buffer: 2 })(20)), settings)).toBe(380)
  })

  it("a reader that has broken off may still read everything", async () => {
    const items = stream(count, { buffer: 4 })(20)
    expect(await value(tasks.peek(items), settings)).toBe(190)
  })

  it("a reader that is retried gets everything again", async () => {
    expect(await value(tasks.readAgain(5, stream(count, { buffer: 2 })(12, 1)), settings)).toEqual(upTo(12))
  })

  it("one that reads two at once gets both", async () => {
    const [a, b] = [stream(count, { buffer: 1 })(10), stream(count, { buffer: 1 })(7)]
    expect(await value(sum(stream(tasks.zip)(a, b)), settings)).toBe(45 + 21)
  })

  it("items come inside of other values", async () => {
    const items = stream(count)(5, 1)
    expect(await value(tasks.twoKinds({ here: [items, [100], count(3)] }), settings)).toBe(10 + 100 + 3)
  })

  it("who is ready only when the stream is over gets the list", async () => {
    const items = stream(count, { buffer: 2 })(40)
    expect(await value(tasks.withSum(items, sum(items)), settings)).toBe(2 * 780)
  })

  it("each element of an each may have its own stream", async () => {
    const nested = each([3, 5, 0], (n) => {
      const items = stream(count)(n, 1)
      return [sum(items), all(items)] as const
    })
    expect(await value(nested, settings)).toEqual([
      [3, upTo(3)],
      [10, upTo(5)],
      [0, []]
    ])
  })

  it("fails with what the generator threw before its first item", async () => {
    const failed = await failure(all(stream(tasks.failAfter)(folder, 0)), settings)
    expect(failed).toMatchObject({ task: "failAfter", kind: "error", name: "RangeError" })
  })

  it("fails with what the generator threw after readers had its first items", async () => {
    const failed = await failure(telling(folder, "r", stream(tasks.failAfter)(folder, 3)), settings)
    expect(failed).toMatchObject({
      task: "failAfter",
      kind: "error",
      name: "RangeError",
      message: "out of numbers"
    })
  })

  it("refuses an item that cannot be sent, by its place", async () => {
    const items = stream(tasks.unencodable)(folder) as Node<ReadonlyArray<number>>
    const failed = await failure(telling(folder, "r", items), settings)
    expect(failed).toMatchObject({ task: "unencodable", kind: "result" })
    expect(failed.message).toMatch(/^result\[1\] is a function/)
  })

  it("a retry yields again, and readers get each item once", async () => {
    const retried = stream(tasks.failOnce.with({ retry: { attempts: 2, backoff: 1 } }))(folder, 3)
    expect(await value(telling(folder, "r", retried), settings)).toEqual(upTo(6))
  })

  it("items cannot be given back", async () => {
    const failed = await failure(tasks.giveBack(stream(count)(5, 1)), settings)
    expect(failed).toMatchObject({ task: "giveBack", kind: "result" })
  })
})

describe("with few places", () => {
  it.each([
    { name: "inline, one place", settings: { engine: inline({ concurrency: 1, idleMs: 2 }), module } },
    { name: "one thread", settings: { engine: single, module } },
    { name: "one process", settings: { engine: one, module, shared, leaseMs: 10_000 } }
  ])("nobody waits for ever: $name", async ({ settings }) => {
    const items = stream(count, { buffer: 2 })(30)
    const more = stream(tasks.plusOne, { buffer: 1 })(items)
    const read = [all(items), sum(items), sum(more), tasks.withSum(more, sum(items)), first(4, items)]
    expect(await value(read, settings)).toEqual([upTo(30), 435, 465, 465 + 435, upTo(4)])
  })

  it.each([1, 2, 3])("nor on %i named workers", async (workers) => {
    const names = ["count", "all", "sum", "plusOne", "withSum", "first"]
    for (let shift = 0; shift < workers; shift++) {
      const plan = byName(
        Object.fromEntries(names.map((name, i) => [name, { worker: `w${(i * (shift + 1)) % workers}` }]))
      )
      const items = stream(count, { buffer: 2 })(20)
      const more = stream(tasks.plusOne, { buffer: 1 })(items)
      const read = [all(items), sum(items), tasks.withSum(more, sum(items)), first(4, items)]
      for (const engine of [inline({ concurrency: 1, idleMs: 1 }), inline({ idleMs: 1 }), pool]) {
        expect(await value(read, { engine, module, plan })).toEqual([upTo(20), 190, 210 + 190, upTo(4)])
      }
    }
  })

  it("nor two producers whose items are read crosswise", async () => {
    const items = stream(count, { buffer: 2 })(12)
    const [a, b] = [stream(tasks.plusOne, { buffer: 2 })(items), stream(tasks.plusOne, { buffer: 2 })(items)]
    const read = await value(tasks.crosswise(a, b), { engine: inline(), lifeMs: 100 })
    const rest = upTo(12)
      .slice(1)
      .map((n) => n + 1)
    expect(read).toEqual([1, 1, ...rest, ...rest])
  })
})

describe("a producer", () => {
  const settings: Settings = { engine: inline({ idleMs: 5 }), module }

  it("waits for its readers when they have not read as much as the buffer holds", async () => {
    tasks.seen.produced = tasks.seen.read = tasks.seen.ahead = 0
    expect(await value(tasks.slowly(stream(tasks.counted, { buffer: 4 })(60)), settings)).toBe(1770)
    // What is in the buffer, in the reader's hands and in the generator's; and what was yielded before it had begun.
    expect(tasks.seen.ahead).toBeLessThan(30)
  })

  it("is none because a plan says so", async () => {
    const plan = byName({ count: { annotations: { stream: false } } })
    expect(await value(kind(stream(count)(5, 5)), { ...settings, plan })).toBe("list")
    expect(await value(kind(stream(count)(5, 5)), settings)).toBe("stream")
  })

  it("is one because a plan says so", async () => {
    const plan = byName({ count: { annotations: { stream: { buffer: 2 } } } })
    expect(await value(kind(count(5, 5)), { ...settings, plan })).toBe("stream")
    expect(await value(kind(count(5, 5)), settings)).toBe("list")
  })

  it("is none where the list is asked for, opened, or read inside of an each", async () => {
    const items = stream(count)(4, 5)
    expect(await value([kind(items), items], settings)).toEqual(["list", upTo(4)])
    const opened = stream(count)(3, 5) as unknown as Node<ReadonlyArray<number>>
    expect(await value([kind(opened), each(opened, (n) => n)], settings)).toEqual(["list", upTo(3)])
    const outside = stream(count)(2, 5)
    expect(
      await value(
        each([1, 2], () => kind(outside)),
        settings
      )
    ).toEqual(["list", "list"])
    const inside = each([1, 2], (n) => stream(count)(n, 5))
    expect(await value(tasks.twoKinds({ here: inside }), settings)).toBe(1)
  })

  it("is none if all its readers are its own worker's", async () => {
    const plan = byName({ count: { worker: "w" }, kind: { worker: "w" } })
    expect(await value(kind(stream(count)(4, 5)), { ...settings, plan })).toBe("list")
  })

  it("is none if its task gives a list", async () => {
    const list = task("list", async (n: number) => upTo(n))
    expect(await value([kind(stream(list)(4)), sum(stream(list)(4))], { engine: inline() })).toEqual([
      "list",
      6
    ])
  })
})

describe.each([
  { name: "threads", settings: { engine: pool, module } },
  { name: "processes", settings: { engine: pair, module, shared, leaseMs: 10_000 } }
])("when a worker is lost with its $name", ({ settings }) => {
  it("readers run its generator themselves, and go on", async () => {
    const items = stream(tasks.dieOnce)(folder, 3)
    expect(await value(telling(folder, "r", items), settings)).toEqual(upTo(6))
    expect(wasMarked(folder, "died")).toBe(true)
  })

  it("readers do so whose generator is one of them", async () => {
    const items = stream(tasks.plusOne)(stream(tasks.dieOnce)(folder, 3))
    expect(await value([sum(items), telling(folder, "r", stream(count)(3))], settings)).toEqual([21, upTo(3)])
  })

  it("a reader that was lost gets everything again", async () => {
    const items = stream(count, { buffer: 2 })(30, 1)
    const read = [tasks.readOrDie(folder, "r", 10, items), all(items)]
    expect(await value(read, settings)).toEqual([upTo(30), upTo(30)])
    expect(wasMarked(folder, "died")).toBe(true)
  })

  it("a reader that was lost gets everything again, when the generator has ended", async () => {
    const items = stream(count, { buffer: 100 })(30, 1)
    expect(await value(tasks.readOrDie(folder, "r", 29, items), settings)).toEqual(upTo(30))
  })
})
