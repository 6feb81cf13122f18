import { describe, expect, it } from "vitest"
import { type Arg, each, GraphBuilder, InvalidArgument, type Node, task } from "../src/index.ts"
import { evaluate } from "./evaluate.ts"

const inc = task("inc", (n: number) => n + 1)
const add = task("add", (...ns: ReadonlyArray<number>) => ns.reduce((a, b) => a + b, 0))
const range = task("range", (n: number) => Array.from({ length: n }, (_, i) => i))
const total = task("total", (ns: ReadonlyArray<number>) => ns.reduce((a, b) => a + b, 0))
const show = task("show", (value: unknown) => JSON.stringify(value))
const pair = task("pair", (n: number) => ({ n, list: [n, n + 1] }))

const value = (targets: unknown) => {
  const { graph, tasks } = GraphBuilder.make(targets, "each")
  return evaluate(graph, tasks)
}
const scopesOf = (targets: unknown) => GraphBuilder.make(targets, "each").graph.columns.scopes.length - 1

describe("each", () => {
  it("calls its body once, when the graph is built", () => {
    let calls = 0
    each(range(1000), (n) => {
      calls++
      return inc(n)
    })
    expect(calls).toBe(1)
  })

  it("gives the results in the order of the list", async () => {
    expect(await value(each(range(4), (n) => inc(n)))).toEqual([1, 2, 3, 4])
  })

  it("goes over a list of constants", async () => {
    expect(await value(each([10, 20], (n) => inc(n)))).toEqual([11, 21])
  })

  it("goes over a list with nodes in it", async () => {
    expect(await value(each([inc(0), 20, inc(inc(0))], (n) => inc(n)))).toEqual([2, 21, 3])
  })

  it("goes over no elements", async () => {
    expect(await value(each([] as Array<number>, (n) => inc(n)))).toEqual([])
    expect(await value(total(each(range(0), (n) => inc(n))))).toBe(0)
  })

  it("may return constants, whatever the list holds", async () => {
    expect(await value(each(range(3), () => "x"))).toEqual(["x", "x", "x"])
    expect(await value(each(range(2), () => undefined))).toEqual([undefined, undefined])
    expect(await value(each(range(2), () => ({ a: [1] })))).toEqual([{ a: [1] }, { a: [1] }])
  })

  it("may return nested objects of nodes, items and constants", async () => {
    const nested = each(range(2), (n) => ({
      of: n,
      at: [inc(n), { k: new Map([["m", inc(inc(n))]]) }],
      fixed: true
    }))
    expect(await value(nested)).toEqual([
      { of: 0, at: [1, { k: new Map([["m", 2]]) }], fixed: true },
      { of: 1, at: [2, { k: new Map([["m", 3]]) }], fixed: true }
    ])
  })

  it("may return a node from outside", async () => {
    const outside = inc(41)
    expect(await value(each(range(2), () => outside))).toEqual([42, 42])
    expect(await value(each(range(0), () => outside))).toEqual([])
  })

  it("uses values from outside", async () => {
    const outside = inc(9)
    expect(await value(each(range(3), (n) => add(n, outside)))).toEqual([10, 11, 12])
  })
})

describe("an each over an each", () => {
  it("goes on in the same scope", async () => {
    const incs = each(range(3), (n) => inc(n))
    const sums = each(incs, (n) => add(n, n))
    expect(scopesOf([incs, sums])).toBe(1)
    expect(await value([incs, sums])).toEqual([
      [1, 2, 3],
      [2, 4, 6]
    ])
  })

  it("may go on in two ways from the same list", async () => {
    const incs = each(range(2), (n) => inc(n))
    const both = [each(incs, (n) => add(n, 10)), each(incs, (n) => add(n, 20))]
    expect(scopesOf(both)).toBe(1)
    expect(await value(both)).toEqual([
      [11, 12],
      [21, 22]
    ])
  })

  it("passes nested objects on into nested arguments", async () => {
    const pairs = each(range(2), (n) => ({ n, next: [inc(n)] }))
    const shown = each(pairs, (item) => show({ item, twice: [item, item] }))
    expect(scopesOf(shown)).toBe(1)
    expect(await value(shown)).toEqual([
      '{"item":{"n":0,"next":[1]},"twice":[{"n":0,"next":[1]},{"n":0,"next":[1]}]}',
      '{"item":{"n":1,"next":[2]},"twice":[{"n":1,"next":[2]},{"n":1,"next":[2]}]}'
    ])
  })

  it("passes on what was passed on, as constants and as items", async () => {
    const constants = each(range(2), () => ({ a: 1 }))
    const items = each(
      each(range(2), (n) => [n, "k"] as const),
      (item) => ({ item })
    )
    expect(await value(each(constants, (item) => show(item)))).toEqual(['{"a":1}', '{"a":1}'])
    expect(await value(each(items, (item) => show([item])))).toEqual([
      '[{"item":[0,"k"]}]',
      '[{"item":[1,"k"]}]'
    ])
  })

  it("may use the whole list too, and then waits for it", async () => {
    const incs = each(range(3), (n) => inc(n))
    const shares = each(incs, (n) => [n, total(incs)])
    expect(await value(shares)).toEqual([
      [1, 6],
      [2, 6],
      [3, 6]
    ])
  })

  it("may use nodes of the earlier body", async () => {
    let first!: Node<number>
    const incs = each(range(2), (n) => {
      first = inc(n)
      return inc(first)
    })
    expect(await value(each(incs, (n) => add(n, first)))).toEqual([3, 5])
  })

  it("opens a scope of its own inside another each", async () => {
    const incs = each(range(2), (n) => inc(n))
    const table = each(range(2), (row) => each(incs, (n) => add(row, n)))
    expect(scopesOf(table)).toBe(3)
    expect(await value(table)).toEqual([
      [1, 2],
      [2, 3]
    ])
  })

  it("over the elements of elements goes on as well", async () => {
    const table = each(range(2), (n) => each(range(inc(n)), (m) => add(n, m)))
    const raised = each(table, (row) => each(row, (n) => inc(n)))
    expect(scopesOf([table, raised])).toBe(2)
    expect(await value(raised)).toEqual([[1], [2, 3]])
  })
})

describe("an each inside an each", () => {
  it("runs once for each element of each element", async () => {
    const table = each(range(3), (n) => each(range(n), (m) => add(n, m)))
    expect(await value(table)).toEqual([[], [1], [2, 3]])
  })

  it("uses values of every scope around it", async () => {
    const outside = inc(99)
    const table = each(range(2), (a) => {
      const between = add(a, 10)
      return each([1, 2], (b) => each([b], (c) => add(a, b, c, between, outside)))
    })
    expect(await value(table)).toEqual([
      [[112], [114]],
      [[114], [116]]
    ])
  })

  it("goes over a list from outside", async () => {
    const list = range(2)
    expect(await value(each(["a", "b"], (name) => each(list, (n) => [name, n])))).toEqual([
      [
        ["a", 0],
        ["a", 1]
      ],
      [
        ["b", 0],
        ["b", 1]
      ]
    ])
  })

  it("can be collected inside and used inside", async () => {
    const sums = each(range(4), (n) => total(each(range(n), (m) => inc(m))))
    expect(await value(total(sums))).toBe(0 + 1 + 3 + 6)
  })

  it("goes over the list inside an item", async () => {
    const pairs = each(range(2), (n) => pair(n))
    const itemLists = each(pairs, (p) =>
      each(task("listOf", ({ list }: { list: Array<number> }) => list)(p), (n) => inc(n))
    )
    expect(await value(itemLists)).toEqual([
      [1, 2],
      [2, 3]
    ])
  })
})

describe("a node of a body", () => {
  const leak = () => {
    let leaked!: Node<number>
    const list = each(range(2), (n) => {
      leaked = inc(n)
      return leaked
    })
    return { leaked, list }
  }
  const message = /from the body of an each, used outside that body; return it from the each's callback/

  it("cannot be used outside", () => {
    const { leaked } = leak()
    expect(() => inc(leaked)).toThrow(InvalidArgument)
    expect(() => inc(leaked)).toThrow(message)
  })

  it("cannot be used in another each", () => {
    const { leaked } = leak()
    expect(() => each(range(2), () => inc(leaked))).toThrow(message)
    expect(() => each(range(2), () => [leaked])).toThrow(message)
  })

  it("cannot be a list for an each outside, nor the item itself", () => {
    let items!: Arg<ReadonlyArray<number>>
    let item!: Node<number>
    each([[1], [2]], (list) => {
      items = list
      return each(list, (n) => {
        item = n
        return n
      })
    })
    expect(() => each(items, (n) => n)).toThrow(message)
    expect(() => inc(item)).toThrow(message)
  })

  it("cannot be used outside through what was passed on", () => {
    let passed: unknown
    each(
      each(range(2), (n) => ({ n: inc(n) })),
      (item) => {
        passed = item
        return 1
      }
    )
    expect(() => show(passed)).toThrow(message)
  })

  it("cannot be a target", () => {
    const { leaked } = leak()
    expect(() => GraphBuilder.make({ a: [leaked] }, "flow")).toThrow(
      `flow: the result: ${leaked.label()} is inside the body of an each; return it from the each's callback instead`
    )
  })
})

describe("a body that throws", () => {
  it("closes its scope", async () => {
    const broken = () =>
      each(range(2), () => {
        throw new Error("broken")
      })
    expect(broken).toThrow("broken")
    expect(inc(1).scope).toBeUndefined()
    expect(await value(each(range(1), (n) => inc(n)))).toEqual([1])
  })

  it("that returns what cannot be sent is refused with the path", () => {
    expect(() => each(range(2), (n) => ({ n, later: async () => 1 }))).toThrow(
      /^collect#\d+: args\[1\]\.later is a function \(later\)/
    )
    expect(() => each(range(2), async (n) => inc(n))).toThrow(/args\[1\] is a promise/)
  })
})
