import { describe, expect, it } from "vitest"
import { each, Flow, GraphBuilder, Instance, type InstanceId, type Node, task } from "../src/index.ts"
import { Execution } from "./evaluate.ts"

const one = task("one", () => 1)
const inc = task("inc", (n: number) => n + 1)
const double = task("double", (n: number) => n * 2)
const add = task("add", (...ns: ReadonlyArray<number>) => ns.reduce((a, b) => a + b, 0))
const total = task("total", (ns: ReadonlyArray<number>) => ns.reduce((a, b) => a + b, 0))
const range = task("range", (n: number) => Array.from({ length: n }, (_, i) => i))

/** A graph whose instances are known by name: `inc[1]` is element 1 of the only `inc`. */
const start = (targets: unknown) => {
  const { graph, tasks } = GraphBuilder.make(targets, "flow")
  const run = new Execution(graph, tasks, () => undefined)
  const name = (instance: InstanceId) => {
    const indices = Instance.indicesOf(instance)
    return `${graph.name(Instance.nodeOf(instance))}${indices.length === 0 ? "" : `[${indices}]`}`
  }
  const find = (text: string) => run.ready.find((instance) => name(instance) === text)
  return {
    graph,
    /** The names of what is ready. */
    ready: () => run.ready.map(name).sort(),
    /** Which values are kept. */
    kept: () => [...run.values.keys()].map(name).sort(),
    /** Runs these, in this order. */
    run: async (...names: ReadonlyArray<string>) => {
      for (const text of names) {
        const instance = find(text)
        if (instance === undefined) throw new Error(`${text} is not ready; ready are ${run.ready.map(name)}`)
        await run.runOne(instance)
      }
    },
    finish: async () => {
      await run.run(() => 0)
      return run.result()
    }
  }
}

describe("readiness", () => {
  it("begins with the nodes that wait for nothing", () => {
    const flow = start(add(one(), inc(5), inc(one())))
    expect(flow.ready()).toEqual(["inc", "one", "one"])
  })

  it("comes when the last parent completes", async () => {
    //   one ── inc ── add
    //     └─ double ──┘
    const source = one()
    const flow = start(add(inc(source), double(source)))
    await flow.run("one", "double")
    expect(flow.ready()).toEqual(["inc"])
    await flow.run("inc")
    expect(flow.ready()).toEqual(["add"])
    expect(await flow.finish()).toBe(4)
  })

  it("comes once for a node that uses another twice", async () => {
    const source = one()
    const flow = start(add(source, source))
    await flow.run("one")
    expect(flow.ready()).toEqual(["add"])
    expect(await flow.finish()).toBe(2)
  })
})

describe("an each", () => {
  it("opens as wide as its list is", async () => {
    const flow = start(each(range(3), (n) => inc(n)))
    await flow.run("range")
    expect(flow.ready()).toEqual(["each"])
    await flow.run("each")
    expect(flow.ready()).toEqual(["inc[0]", "inc[1]", "inc[2]"])
    await flow.run("inc[2]", "inc[0]")
    expect(flow.ready()).toEqual(["inc[1]"])
    await flow.run("inc[1]")
    expect(flow.ready()).toEqual(["collect"])
    expect(await flow.finish()).toEqual([1, 2, 3])
  })

  it("over an empty list is collected at once", async () => {
    const flow = start(each(range(0), (n) => inc(n)))
    await flow.run("range", "each")
    expect(flow.ready()).toEqual(["collect"])
    expect(await flow.finish()).toEqual([])
  })

  it("inside an each may be empty in one element and not in another", async () => {
    const flow = start(each([0, 2], (n) => each(range(n), (m) => inc(m))))
    expect(await flow.finish()).toEqual([[], [1, 2]])
  })

  it("over an each goes on with an element as soon as that element is there", async () => {
    const flow = start(
      each(
        each(range(2), (n) => inc(n)),
        (n) => double(n)
      )
    )
    await flow.run("range", "each", "inc[1]")
    expect(flow.ready()).toEqual(["double[1]", "inc[0]"])
    await flow.run("double[1]", "inc[0]", "double[0]")
    expect(await flow.finish()).toEqual([2, 4])
  })

  it("of constants waits for the width only", async () => {
    const flow = start(each(range(2), () => "x"))
    await flow.run("range", "each")
    expect(flow.ready()).toEqual(["collect"])
    expect(await flow.finish()).toEqual(["x", "x"])
  })

  it("of its items gives the list again", async () => {
    const flow = start(each(range(3), (n) => n))
    expect(await flow.finish()).toEqual([0, 1, 2])
  })

  it("runs a call without arguments once for each element", async () => {
    const flow = start(each(range(2), () => one()))
    await flow.run("range", "each")
    expect(flow.ready()).toEqual(["one[0]", "one[1]"])
    expect(await flow.finish()).toEqual([1, 1])
  })
})

describe("a gate", () => {
  // range ── each ── inc[k] ── add[k] ── collect
  //            one ── double ──┘
  const gated = () => {
    const outside = double(one())
    return start(each(range(2), (n) => add(inc(n), outside)))
  }

  it("lets elements start without the value from outside, as far as they do not need it", async () => {
    const flow = gated()
    await flow.run("range", "each", "inc[0]", "inc[1]")
    expect(flow.ready()).toEqual(["one"])
    await flow.run("one", "double")
    expect(flow.ready()).toEqual(["gate"])
    await flow.run("gate")
    expect(flow.ready()).toEqual(["add[0]", "add[1]"])
    expect(await flow.finish()).toEqual([3, 4])
  })

  it("waits for the list when the value is there first", async () => {
    const flow = gated()
    await flow.run("one", "double")
    expect(flow.ready()).toEqual(["range"])
    await flow.run("range", "each", "inc[0]")
    expect(flow.ready()).toEqual(["gate", "inc[1]"])
    await flow.run("gate")
    expect(flow.ready()).toEqual(["add[0]", "inc[1]"])
    expect(await flow.finish()).toEqual([3, 4])
  })

  it("keeps the value until the last element has read it", async () => {
    const flow = gated()
    await flow.run("one", "double", "range", "each", "gate", "inc[0]", "inc[1]", "add[0]")
    expect(flow.kept()).toContain("double")
    await flow.run("add[1]")
    expect(flow.kept()).not.toContain("double")
  })

  it("lets the value go when the list is empty", async () => {
    const outside = double(one())
    const flow = start(each(range(0), (n) => add(n, outside)))
    await flow.run("one", "double", "range", "each")
    expect(flow.kept()).toContain("double")
    await flow.run("gate")
    expect(flow.kept()).not.toContain("double")
    expect(await flow.finish()).toEqual([])
  })

  it("opens scope by scope for a value from two eaches further out", async () => {
    const outside = one()
    const flow = start(each(range(2), (n) => each(range(n), (m) => add(m, n, outside))))
    expect(flow.graph.columns.codes.filter((code) => code === -4)).toHaveLength(2)
    expect(await flow.finish()).toEqual([[], [2]])
  })

  it("is shared by nodes that use the same values", () => {
    const [a, b] = [one(), one()]
    const flow = start(each(range(2), (n) => [add(n, a, b), add(b, a), add(n, a)]))
    expect(flow.graph.columns.codes.filter((code) => code === -4)).toHaveLength(2)
  })

  it("lets the result of an each be used in an each over it", async () => {
    const incs = each(range(3), (n) => inc(n))
    const flow = start(each(incs, (n) => add(n, total(incs))))
    expect(await flow.finish()).toEqual([7, 8, 9])
  })
})

describe("values", () => {
  it("are dropped with their last reader", async () => {
    const source = one()
    const flow = start(add(inc(source), double(source)))
    await flow.run("one", "inc")
    expect(flow.kept()).toEqual(["inc", "one"])
    await flow.run("double")
    expect(flow.kept()).toEqual(["double", "inc"])
    await flow.run("add")
    expect(flow.kept()).toEqual(["add"])
  })

  it("of targets stay, also when others read them", async () => {
    const source = one()
    const flow = start([source, inc(source)])
    expect(await flow.finish()).toEqual([1, 2])
    expect(flow.kept()).toEqual(["inc", "one"])
  })

  it("that nobody reads have no readers", () => {
    const { graph } = GraphBuilder.make(
      each(range(2), () => one()),
      "flow"
    )
    const expand = graph.columns.codes.indexOf(-1)
    expect(Flow.readersOf(graph, expand)).toBe(1)
    const gated = GraphBuilder.make(
      each(range(2), (n: Node<number>) => add(n, outside)),
      "flow"
    ).graph
    expect(Flow.readersOf(gated, gated.columns.codes.indexOf(-4))).toBe(0)
  })
  const outside = one()
})

describe("Flow.depth", () => {
  it("is the number of eaches around a node", () => {
    const { graph } = GraphBuilder.make(
      each(range(2), (n) => each(range(n), (m) => inc(m))),
      "flow"
    )
    const names = Array.from({ length: graph.size }, (_, id) => [graph.name(id), Flow.depth(graph, id)])
    expect(names).toEqual([
      ["range", 0],
      ["each", 0],
      ["item", 1],
      ["range", 1],
      ["each", 1],
      ["item", 2],
      ["inc", 2],
      ["collect", 1],
      ["collect", 0]
    ])
  })
})

describe("Flow.inputs", () => {
  it("names each value once, with a collect's only where the width is known", () => {
    const { graph } = GraphBuilder.make(
      each(range(2), (n) => add(n, n, inc(n))),
      "flow"
    )
    const [, expand, item, incs, adds, collect] = [0, 1, 2, 3, 4, 5]
    expect(Flow.inputs(graph, Instance.make(adds!, [1]))).toEqual([
      Instance.make(item!, [1]),
      Instance.make(incs!, [1])
    ])
    expect(Flow.inputs(graph, collect!)).toEqual([expand])
    expect(Flow.inputs(graph, collect!, 2)).toEqual([expand, `${adds}[0]`, `${adds}[1]`])
  })
})
