// Dask's ordering. In the drawings dependencies are below, as Dask draws them.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type DagInput, InvalidDag, priorities } from "../src/index.ts"

interface Vector extends DagInput {
  readonly title: string
  /** As `dask.order.order` of Dask 2022.12.1 gave them; `null` where ties have no order there. */
  readonly priorities: ReadonlyArray<number> | null
}

const vectors: ReadonlyArray<Vector> = readFileSync(
  join(import.meta.dirname, "vectors", "vectors.jsonl"),
  "utf8"
)
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line))

const isValid = ({ dependencies }: DagInput, order: ReadonlyArray<number>) => {
  expect(order.toSorted((a, b) => a - b)).toEqual(dependencies.map((_, node) => node))
  for (const [node, own] of dependencies.entries())
    for (const dependency of own) expect(order[dependency]).toBeLessThan(order[node]!)
}

describe("the ordering of Dask 2022.12", () => {
  it.each(vectors.filter((one) => one.priorities !== null))("gives the same numbers: $title", (vector) => {
    expect(priorities(vector)).toEqual(vector.priorities)
  })

  it.each(vectors.filter((one) => one.priorities === null))("is valid: $title", (vector) => {
    isValid(vector, priorities(vector))
  })

  it("is compared on graphs of 4 to 1,000 nodes", () => {
    const sizes = vectors.filter((one) => one.priorities !== null).map(({ names }) => names.length)
    expect(sizes.length).toBeGreaterThanOrEqual(20)
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([4, 1000])
  })
})

/** `a: b c` is: a depends on b and c. Once with these names, once with names in the opposite order. */
const both = (...lines: ReadonlyArray<string>) => {
  const parsed = lines.map((line) => line.split(/[: ]+/).filter((word) => word !== ""))
  const letters = parsed.map(([name]) => name!)
  const dependencies = parsed.map(([, ...needs]) => needs.map((need) => letters.indexOf(need)))
  const opposite = letters.map((letter) => String.fromCharCode(0x2000 - letter.charCodeAt(0)))
  return [letters, opposite].map((names) => {
    const order = priorities({ names, dependencies })
    isValid({ names, dependencies }, order)
    return new Map(letters.map((letter, node) => [letter, order[node]!]))
  })
}

describe("the order", () => {
  //       d
  //       |
  //   b   c
  //    \ /
  //     a
  // b is finished at once, so that it does not dangle; then the rest.
  it("leaves no final node dangling", () => {
    for (const order of both("a", "b: a", "c: a", "d: c")) expect([...order.values()]).toEqual([0, 1, 2, 3])
  })

  //   e       f
  //   |      /|\
  //   c     d | |       Big things first: the leaf of the largest goal is where to begin.
  //   |     | | |
  //   a     b g h
  it("begins with the largest goal", () => {
    for (const order of both("a", "c: a", "e: c", "b", "g", "h", "d: b", "f: d g h"))
      expect(order.get("f")!).toBeLessThan(Math.min(order.get("a")!, order.get("c")!, order.get("e")!))
  })

  //   x   y       Each pair is brought to its end before the next is begun, so that at most 3 values are held.
  //  / \ / \
  //  a b c d
  it("finishes one subtree before the next", () => {
    for (const order of both("a", "b", "c", "d", "x: a b", "y: c d")) {
      const first = order.get("x")! < order.get("y")! ? ["a", "b", "x"] : ["c", "d", "y"]
      expect(first.map((node) => order.get(node)!).toSorted()).toEqual([0, 1, 2])
    }
  })

  //        r
  //      / | \
  //     x  y  z       r needs all: what it says about the order is nothing, and each branch is finished in turn.
  //    /|  |\ |\
  it("is not led astray by a single node that needs all", () => {
    for (const order of both("a", "b", "c", "d", "e", "f", "x: a b", "y: c d", "z: e f", "r: x y z")) {
      const branches = ["abx", "cdy", "efz"].map((branch) => [...branch].map((node) => order.get(node)!))
      for (const branch of branches) expect(Math.max(...branch) - Math.min(...branch)).toBe(2)
      expect(order.get("r")!).toBe(9)
    }
  })

  it("is decided by names in the end, as strings", () => {
    const dependencies = [[], [], []]
    expect(priorities({ names: ["x10", "x9", "x1"], dependencies })).toEqual([1, 2, 0])
    // By code points, as Python: U+FB01 is before U+1F600, whose first half in UTF-16 is less.
    expect(priorities({ names: ["\u{1f600}", "\ufb01", "a"], dependencies })).toEqual([2, 1, 0])
  })

  it("of no node, and of one", () => {
    expect(priorities({ names: [], dependencies: [] })).toEqual([])
    expect(priorities({ names: ["a"], dependencies: [[]] })).toEqual([0])
  })
})

describe("what cannot be ordered is refused", () => {
  it.each<readonly [DagInput, RegExp]>([
    [{ names: ["a", "a"], dependencies: [[], []] }, /the name "a" stands twice/],
    [{ names: ["a"], dependencies: [[1]] }, /"a" depends on node 1; the nodes are 0 to 0/],
    [{ names: ["a"], dependencies: [[0]] }, /there is a cycle, on it or after it a/],
    [{ names: ["a", "b"], dependencies: [[1], [0]] }, /there is a cycle/],
    [{ names: ["a"], dependencies: [] }, /1 names and 0 lists/]
  ])("%o", (graph, message) => {
    expect(() => priorities(graph)).toThrow(InvalidDag)
    expect(() => priorities(graph)).toThrow(message)
  })
})

describe("any graph", () => {
  const arbitraryDag: fc.Arbitrary<DagInput> = fc
    .array(fc.array(fc.nat({ max: 1000 }), { maxLength: 4 }), { minLength: 1, maxLength: 200 })
    .map((lists) => ({
      names: lists.map((_, node) => `n${(node * 7919) % 1009}`),
      dependencies: lists.map((list, node) => (node === 0 ? [] : list.map((at) => at % node)))
    }))

  it("is ordered validly, and the same every time", () =>
    fc.assert(
      fc.property(arbitraryDag, (dag) => {
        const order = priorities(dag)
        isValid(dag, order)
        expect(priorities(dag)).toEqual(order)
      })
    ))

  it("keeps its order when its nodes are listed in another way", () =>
    fc.assert(
      fc.property(arbitraryDag, (dag) => {
        const size = dag.names.length
        const turned = (node: number) => size - 1 - node
        const backwards = {
          names: dag.names.toReversed(),
          dependencies: dag.dependencies.map((own) => own.map(turned)).toReversed()
        }
        expect(priorities(backwards).toReversed()).toEqual(priorities(dag))
      })
    ))
})
