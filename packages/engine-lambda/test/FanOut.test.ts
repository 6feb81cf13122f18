import { each, GraphBuilder, task } from "@weft/core"
import { describe, expect, it } from "vitest"
import { leadsToFanOut } from "../src/handler/FanOut.ts"

const one = task("one", (n: number) => n)
const list = task("list", (n: number) => [n])
const add = task("add", (a: number, b: number) => a + b)

const answers = (targets: unknown) => {
  const { graph } = GraphBuilder.make(targets, "test")
  return Array.from({ length: graph.size }, (_, node) => [graph.label(node), leadsToFanOut(graph, node)])
}

describe("a worker leads to a fan-out", () => {
  it("not at the end, nor in a chain", () => {
    expect(answers(one(one(1)))).toEqual([
      ["one#0", false],
      ["one#1", false]
    ])
  })

  it("if several follow from what it runs, now or after a chain", () => {
    const middle = one(one(1))
    expect(answers([add(middle, 1), add(middle, 2)]).slice(0, 2)).toEqual([
      ["one#0", true],
      ["one#1", true]
    ])
  })

  it("not by what follows from several, of which it is but one", () => {
    const sum = add(one(1), one(2))
    expect(answers([one(sum), add(sum, 3)]).slice(0, 3)).toEqual([
      ["one#0", false],
      ["one#1", false],
      ["add#2", true]
    ])
  })

  it("if a list is opened, but not in the list's elements", () => {
    const found = answers(each(list(1), (n) => one(n)))
    expect(found.find(([label]) => label === "list#0")).toEqual(["list#0", true])
    expect(found.find(([label]) => String(label).startsWith("one#"))?.[1]).toBe(false)
  })
})
