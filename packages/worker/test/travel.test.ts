// Values are the same on the other side, whatever they are and however large.

import { each } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import { inline, processes, threads } from "../src/index.ts"
import { serve } from "./fixtures/served.ts"
import { echo, joined, kindOf, length, measure, moduleUrl, move, Point, text } from "./fixtures/tasks.ts"
import { byName, value } from "./harness.ts"

const pool = threads({ threads: 2, idleMs: 1 })
const others = processes({ processes: 2, idleMs: 1 })
const shared = await serve()
afterAll(async () => {
  await Promise.all([pool.close(), others.close()])
  await shared[Symbol.asyncDispose]()
})

describe.each([
  { name: "inline", engine: inline({ idleMs: 1 }), stores: {} },
  { name: "threads", engine: pool, stores: {} },
  { name: "processes", engine: others, stores: { shared, leaseMs: 10_000 } }
])("on $name", ({ engine, stores }) => {
  const settings = { engine, module: moduleUrl, ...stores }
  /** Each node in a worker of its own, so that every value travels. */
  const apart = {
    ...settings,
    plan: (graph: { readonly size: number }) => ({
      nodes: new Map(Array.from({ length: graph.size }, (_, id) => [id, { worker: `w${id}` }] as const))
    })
  }

  it.each([
    [new Date(1e12)],
    [new Map<unknown, unknown>([["a", new Set([1, new Date(0)])]])],
    [new Uint8Array([1, 2, 3])],
    [new Float64Array([0.5, -0])],
    [12345678901234567890n],
    [[undefined, null, Number.NaN, -0]],
    [/a+/g],
    [{ deep: [{ deeper: new Map([[{ key: 1 }, "value"]]) }] }]
  ])("%o arrives as it is", async (sent) => {
    expect(await value([echo(sent), echo(echo(sent))], apart)).toEqual([sent, sent])
    expect(await value(kindOf(echo(sent)), apart)).toBe(Object.prototype.toString.call(sent))
  })

  it("instances of classes with a codec arrive as such, as arguments, items and results", async () => {
    const points = [new Point(3, 4), new Point(6, 8)]
    const moved = each(points, (point) => move(point, 0))
    const [given, lengths] = (await value([moved, each(moved, (point) => measure(point))], apart)) as [
      Array<Point>,
      Array<number>
    ]
    expect(given).toEqual(points)
    expect(given[0]).toBeInstanceOf(Point)
    expect(lengths).toEqual([5, 10])
  })

  it("large constants travel as objects, once for each node or many", async () => {
    const large = "c".repeat(100_000)
    expect(await value([length(large), length(large), each([1, 2], () => length(large))], apart)).toEqual([
      100_000,
      100_000,
      [100_000, 100_000]
    ])
  })

  it("large values travel as objects, in and out", async () => {
    const large = text(200_000)
    const plan = byName({ length: { worker: "a" }, joined: { worker: "b" } })
    const [size, twice, itself] = (await value([length(large), joined(large, large), large], {
      ...settings,
      plan
    })) as [number, string, string]
    expect([size, twice.length, itself.length]).toEqual([200_000, 400_001, 200_000])
  })

  it("lists of large elements are read element by element", async () => {
    const sizes = each([text(70_000), text(3), text(80_000)], (one) => length(one))
    expect(await value(sizes, apart)).toEqual([70_000, 3, 80_000])
  })

  it("many targets, of all kinds of nestings, come back in their places", async () => {
    const one = text(1)
    const targets = { a: [one, { b: one }], c: new Map([["d", [text(2)]]]), e: 5, f: undefined }
    expect(await value(targets, settings)).toEqual({
      a: ["x", { b: "x" }],
      c: new Map([["d", ["xx"]]]),
      e: 5,
      f: undefined
    })
  })

  it("no nodes at all give what was asked for", async () => {
    expect(await value({ just: ["this"] }, settings)).toEqual({ just: ["this"] })
    expect(
      await value(
        each([], (item) => echo(item)),
        settings
      )
    ).toEqual([])
  })
})
