import { describe, expect, it } from "vitest"
import { Codec, each, type Graph, GraphBuilder, InvalidArgument, type Node, task } from "../src/index.ts"
import { evaluate } from "./evaluate.ts"

const inc = task("inc", (n: number) => n + 1)
const total = task("total", (ns: ReadonlyArray<number>) => ns.reduce((a, b) => a + b, 0))
const any = task("any", (...values: ReadonlyArray<unknown>) => values)
const range = task("range", (n: number) => Array.from({ length: n }, (_, i) => i))

const graphOf = (targets: unknown) => GraphBuilder.make(targets, "built").graph
const names = (graph: Graph.Graph) => Array.from({ length: graph.size }, (_, id) => graph.name(id))
const constantsOf = (graph: Graph.Graph) =>
  graph.columns.constants.map((constant) => ("value" in constant ? constant.value : undefined))

describe("a graph", () => {
  it("has what the targets need, and nothing else", () => {
    const needed = inc(1)
    inc(inc(needed))
    each(range(3), (n) => inc(n))
    const graph = graphOf(total([needed]))
    expect(names(graph)).toEqual(["inc", "total"])
  })

  it("has a scope only if something in it is needed", () => {
    const list = range(3)
    each(list, (n) => inc(n))
    expect(graphOf(list).columns.scopes).toHaveLength(1)
  })

  it("leaves out the item where nothing uses it, and earlier collects that nobody reads", () => {
    const chained = each(
      each(range(3), () => range(1)),
      (list) => total(list)
    )
    expect(names(graphOf(chained))).toEqual(["range", "each", "range", "total", "collect"])
  })

  it("numbers nodes so that dependencies come first", () => {
    const last = inc(0)
    const first = total([inc(1), inc(2)])
    const graph = graphOf([first, last, inc(last)])
    for (let id = 0; id < graph.size; id++) {
      const [from, to] = [graph.inputs.start[id]!, graph.inputs.start[id + 1]!]
      for (const input of graph.inputs.list.subarray(from, to)) expect(input).toBeLessThan(id)
    }
  })

  it("has each node once, however often it is used", () => {
    const one = inc(1)
    const graph = graphOf([any(one, [one], { one }), one])
    expect(graph.size).toBe(2)
    expect([...graph.targets].sort()).toEqual([0, 1])
    expect([...graph.inputs.list]).toEqual([0])
  })

  it("keeps the nesting of targets and arguments", () => {
    const one = inc(1)
    const graph = graphOf({ a: [one, "x"], b: new Map([["k", one]]), c: 5 })
    const ref = { node: 0 }
    expect(graph.columns.targets).toEqual({ a: [ref, "x"], b: new Map([["k", ref]]), c: 5 })
  })

  it("has each task once, with its options, and a call's options at the call", () => {
    const patient = task("patient", () => 1, { timeout: 10 })
    const graph = graphOf([patient(), patient.with({ timeout: 20, memory: 64 })()])
    expect(graph.columns.tasks).toEqual([{ name: "patient", options: { timeout: 10 } }])
    expect(graph.columns.options).toEqual(new Map([[1, { timeout: 20, memory: 64 }]]))
    expect([graph.options(0), graph.options(1)]).toEqual([{ timeout: 10 }, { timeout: 20, memory: 64 }])
  })

  it("of constants only has no nodes", async () => {
    const { graph, tasks } = GraphBuilder.make({ a: [1, new Date(5)] }, "built")
    expect(graph.size).toBe(0)
    expect(await evaluate(graph, tasks)).toEqual({ a: [1, new Date(5)] })
  })

  it("gives the code of its tasks", () => {
    const { tasks } = GraphBuilder.make(total([inc(1)]), "built")
    expect([...tasks.keys()].sort()).toEqual(["inc", "total"])
    expect(tasks.get("inc")!.run(1 as never)).toBe(2)
  })

  it("knows of a collect which scope it gathers from, also if the body has no nodes", () => {
    const graph = graphOf([each(range(2), () => 1), each(range(2), (n) => inc(n))])
    const collects = Array.from({ length: graph.size }, (_, id) => id).filter(
      (id) => graph.kind(id) === "collect"
    )
    expect(collects.map((id) => graph.over(id)).sort()).toEqual([1, 2])
  })

  it("labels nodes as people know them", () => {
    const graph = graphOf(each(range(2), (n) => inc(n)))
    expect(Array.from({ length: graph.size }, (_, id) => graph.label(id))).toEqual([
      "range#0",
      "each#1",
      "item#2",
      "inc#3",
      "collect#4"
    ])
  })
})

describe("nodes that were made long ago and far apart", () => {
  it("are numbered in the order in which they were made", () => {
    const old = inc(1)
    for (let i = 0; i < 10_000; i++) inc(i)
    const graph = graphOf(any("late", old))
    expect(names(graph)).toEqual(["inc", "any"])
  })
})

describe("constants", () => {
  const large = () => ({ sizes: Array.from({ length: 50 }, (_, i) => i), name: "large" })
  const text = "a text that is longer than a reference to it"

  it("that are equal stand once, be they the same object or not", () => {
    const one = large()
    const graph = graphOf([any(one), any(one, large()), any(large()), any([large()])])
    expect(constantsOf(graph)).toEqual([large(), [large()]])
  })

  it("stand once deep inside arguments that hold nodes", () => {
    const one = inc(1)
    const graph = graphOf([
      any({ one, deep: [{ large: large(), one }] }),
      any([large(), one]),
      any(
        new Map<unknown, unknown>([
          ["one", one],
          ["large", large()]
        ])
      )
    ])
    expect(constantsOf(graph)).toEqual([large()])
  })

  it.each<[string, () => unknown]>([
    ["texts", () => text],
    ["bytes", () => new Uint8Array(100)],
    ["Dates", () => new Date(1.7e12)],
    ["Sets", () => new Set(["a", "b", "c"])],
    ["Maps", () => new Map([["key", "value"]])],
    ["errors", () => error],
    ["lists", () => ["a", "b", "c", "d", "e"]]
  ])("of all kinds stand once: %s", (_, make) => {
    const one = inc(1)
    const graph = graphOf([any(make()), any(make()), any({ at: make(), one }), any({ other: [make(), one] })])
    expect(constantsOf(graph)).toEqual([make()])
  })
  const error = new Error("the same")

  it("that are small stay where they are", () => {
    const graph = graphOf(any(1, "short", true, null, undefined, [1, 2], { a: 1 }, 5n, -0, new Set()))
    expect(constantsOf(graph)).toEqual([])
    expect(graph.columns.args[0]).toEqual([
      1,
      "short",
      true,
      null,
      undefined,
      [1, 2],
      { a: 1 },
      5n,
      -0,
      new Set()
    ])
  })

  it("that differ only a little are kept apart", () => {
    const list = (n: number) => ["the same for both", n]
    expect(constantsOf(graphOf([any(list(0)), any(list(-0)), any(list(1))]))).toEqual([
      list(0),
      list(-0),
      list(1)
    ])
  })

  it("that are texts are not mistaken for others' bytes", () => {
    const bytes = Buffer.from(Codec.encode(large())).toString("latin1")
    expect(constantsOf(graphOf([any(large()), any(bytes)]))).toEqual([large(), bytes])
    expect(constantsOf(graphOf([any(bytes), any(large())]))).toEqual([bytes, large()])
  })

  it("are not changed", () => {
    const one = large()
    Object.freeze(one)
    Object.freeze(one.sizes)
    const graph = graphOf([any(one), any({ one, n: inc(1) })])
    expect(constantsOf(graph)[0]).toBe(one)
  })

  it("do not make nodes equal: every call is a node", () => {
    expect(graphOf([inc(1), inc(1)]).size).toBe(2)
  })
})

describe("two tasks of one name", () => {
  it("are refused in one graph", () => {
    const [one, other] = [task("twin", () => 1), task("twin", () => 2)]
    const make = () => graphOf([one(), other()])
    expect(make).toThrow(GraphBuilder.DuplicateTask)
    expect(make).toThrow(InvalidArgument)
    expect(make).toThrow('two different tasks are named "twin"; give each a name of its own')
  })

  it("are refused even if they differ in their options only", () => {
    const run = () => 1
    const [one, other] = [task("twin", run, { retry: 1 }), task("twin", run, { retry: 5 })]
    expect(() => graphOf([one(), other()])).toThrow(GraphBuilder.DuplicateTask)
  })

  it("may be in two graphs", () => {
    expect(graphOf(task("twin", () => 1)()).size).toBe(1)
    expect(graphOf(task("twin", () => 2)()).size).toBe(1)
  })

  it("are one task if one is made of the other by `with`", () => {
    const one = task("one", () => 1)
    expect(graphOf([one(), one.with({ retry: 3 })()]).columns.tasks).toHaveLength(1)
  })
})

describe("targets that cannot be", () => {
  class Plain {}
  const cyclic: Array<unknown> = []
  cyclic.push(cyclic)

  it.each<[string, unknown, string]>([
    ["functions", { a: () => 1 }, "built: the result: a is a function (a)"],
    ["instances", [new Plain()], "built: the result: [0] is an instance of Plain"],
    ["cycles", { cyclic }, "built: the result: cyclic contains itself"],
    ["tasks", [inc], "built: the result: [0] is a function (inc)"]
  ])("are refused with their path: %s", (_, targets, message) => {
    expect(() => graphOf(targets)).toThrow(InvalidArgument)
    expect(() => graphOf(targets)).toThrow(message)
  })

  it("are nodes of a body, also what was passed on to the next each", () => {
    let item: unknown
    each(
      each(range(1), (n) => ({ n })),
      (passed) => {
        item = passed
        return 1
      }
    )
    expect(() => graphOf(item)).toThrow("is inside the body of an each")
  })
})

describe("a graph with very many paths", () => {
  it("is built node by node, not path by path", () => {
    let pair: [Node<number>, Node<number>] = [inc(0), inc(0)]
    for (let i = 0; i < 200; i++) pair = [total(pair), total([...pair])]
    expect(graphOf(pair).size).toBe(402)
  })
})

describe("a graph of 100,000 nodes", () => {
  it("may be one chain", async () => {
    let node = inc(0)
    for (let i = 1; i < 100_000; i++) node = inc(node)
    const { graph, tasks } = GraphBuilder.make(node, "chain")
    expect(graph.size).toBe(100_000)
    expect(await evaluate(graph, tasks)).toBe(100_000)
  })

  it("may be one fan-out and fan-in", () => {
    const source = inc(0)
    const graph = graphOf(total(Array.from({ length: 100_000 }, () => inc(source))))
    expect(graph.size).toBe(100_002)
    expect(graph.children.start[1]).toBe(100_000)
    expect(graph.need[graph.size - 1]).toBe(100_000)
  })

  it("may be eaches over eaches", () => {
    let list: Node<Array<number>> = range(3)
    for (let i = 0; i < 5000; i++) list = each(list, (n) => inc(n))
    const graph = graphOf(list)
    expect(graph.columns.scopes).toHaveLength(2)
    expect(graph.size).toBe(5004)
  })
})
