import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { each, Graph, GraphBuilder, Instance, task } from "../src/index.ts"
import { arbitraryWorkflow } from "./randomGraph.ts"

const rows = ({ list, start }: Graph.Adjacency, size: number) =>
  Array.from({ length: size }, (_, id) => [...list.subarray(start[id]!, start[id + 1]!)])

describe("adjacencies", () => {
  it("say for a diamond who reads and who waits", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) =>
      task(name, (...values: ReadonlyArray<unknown>) => values)
    )
    const top = a!()
    const { graph } = GraphBuilder.make(d!([b!(top), c!(top, top)], top), "diamond")
    expect(rows(graph.inputs, 4)).toEqual([[], [0], [0], [0, 1, 2]])
    expect(rows(graph.readers, 4)).toEqual([[1, 2, 3], [3], [3], []])
    expect(rows(graph.parents, 4)).toEqual(rows(graph.inputs, 4))
    expect(rows(graph.children, 4)).toEqual(rows(graph.readers, 4))
    expect([...graph.need]).toEqual([0, 1, 1, 3])
  })

  it("are in ascending order, without repetition, and the two directions agree, in any graph", () => {
    fc.assert(
      fc.property(arbitraryWorkflow, ({ build }) => {
        const { graph } = GraphBuilder.make(build(), "random")
        for (const [forth, back] of [
          [graph.inputs, graph.readers],
          [graph.parents, graph.children]
        ] as const) {
          const [forward, backward] = [rows(forth, graph.size), rows(back, graph.size)]
          for (const row of [...forward, ...backward])
            expect(row).toEqual([...new Set(row)].sort((one, other) => one - other))
          const pairs = forward.flatMap((row, id) => row.map((to) => `${to} ${id}`))
          expect(pairs.sort()).toEqual(backward.flatMap((row, id) => row.map((to) => `${id} ${to}`)).sort())
        }
      })
    )
  })

  it("leave items out of the order: they come with their each", () => {
    const inc = task("inc", (n: number) => n + 1)
    const { graph } = GraphBuilder.make(
      each([1, 2], (n) => inc(n)),
      "each"
    )
    const [expand, item, call, collect] = [0, 1, 2, 3]
    expect(rows(graph.inputs, 4)).toEqual(
      [[], [expand], [item], [expand, call]].map((row, id) => (id === 1 ? [] : row))
    )
    expect(rows(graph.parents, 4)).toEqual([[], [], [expand], [expand, call]])
    expect(graph.gathered(collect!)).toBe(1)
    expect(graph.need[collect!]).toBe(1)
  })
})

describe("nodes inside an each", () => {
  const inc = task("inc", (n: number) => n + 1)
  const add = task("add", (...ns: ReadonlyArray<number>) => ns.length)

  it("wait for what they read of their own scope, else for a gate, else for the each", () => {
    const outside = inc(0)
    const { graph } = GraphBuilder.make(
      each([1, 2], (n) => {
        const first = inc(n)
        return [inc(first), add(first, outside), add(n, outside), add()]
      }),
      "each"
    )
    const parents = rows(graph.parents, graph.size).map((row) => row.map((id) => graph.label(id)))
    const named = Object.fromEntries(parents.map((row, id) => [graph.label(id), row]))
    expect(named).toEqual({
      "inc#0": [],
      "each#1": [],
      "item#2": [],
      "inc#3": ["each#1"],
      "inc#4": ["inc#3"],
      "gate#5": ["inc#0", "each#1"],
      "add#6": ["inc#3", "gate#5"],
      "add#7": ["gate#5"],
      "add#8": ["each#1"],
      "collect#9": ["each#1", "inc#4", "add#6", "add#7", "add#8"]
    })
  })
})

describe("Instance", () => {
  it.each<[number, Instance.Indices, Instance.InstanceId]>([
    [17, [], 17],
    [17, [3], "17[3]"],
    [0, [3, 0, 12], "0[3,0,12]"]
  ])("%i at %j is %j, and back", (node, indices, id) => {
    expect(Instance.make(node, indices)).toBe(id)
    expect(Instance.nodeOf(id)).toBe(node)
    expect(Instance.indicesOf(id)).toEqual(indices)
  })

  it("is shown with its task's name", () => {
    expect(Instance.label("blur", 17)).toBe("blur#17")
    expect(Instance.label("blur", "17[3]")).toBe("blur#17[3]")
  })
})

describe("references", () => {
  it("are found in any nesting, in order", () => {
    const found: Array<number> = []
    const ref = (node: number) => new Graph.Ref(node)
    Graph.references([ref(3), { a: ref(1), b: new Map([[ref(5), [ref(4)]]]) }, "x"], (node) =>
      found.push(node)
    )
    Graph.references(ref(9), (node) => found.push(node))
    Graph.references("none", (node) => found.push(node))
    expect(found).toEqual([3, 1, 4, 5, 9])
  })
})
