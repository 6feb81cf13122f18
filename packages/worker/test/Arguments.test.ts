import { each, type InstanceId } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Arguments, type RunContext } from "../src/index.ts"
import { contextOf } from "./context.ts"
import { add, echo, identity, list } from "./fixtures/tasks.ts"

/** The arguments of an instance, with `<instance>` for values. */
const resolve = ({ constant, graph }: RunContext, instance: InstanceId, width = 0) =>
  Arguments.resolve(graph, instance, width, {
    value: (of) => `<${of}>`,
    constant: (index) =>
      graph.columns.constants[index] && constant.call({ graph } as RunContext, index)?.value
  })

const idOf = ({ graph }: RunContext, name: string) =>
  Array.from({ length: graph.size }, (_, id) => id).filter((id) => graph.name(id) === name)

describe("resolve", () => {
  it("puts values where nodes stood, at any depth", () => {
    const node = identity(1)
    const context = contextOf(echo({ a: [node, 2], b: new Map([["key", node]]), c: "plain" }))
    expect(resolve(context, 1)).toEqual([{ a: ["<0>", 2], b: new Map([["key", "<0>"]]), c: "plain" }])
  })

  it("gives the same value to a node that stands twice", () => {
    const node = identity(1)
    expect(resolve(contextOf(add(node, node)), 1)).toEqual(["<0>", "<0>"])
  })

  it("puts in constants that are shared", () => {
    const large = "a constant that is long enough to be shared ".repeat(5)
    const context = contextOf([echo({ large, n: identity(1) }), echo(large)])
    expect(context.graph.columns.constants.length).toBe(1)
    expect(resolve(context, 1)).toEqual([{ large, n: "<0>" }])
    expect(resolve(context, 2)).toEqual([large])
  })

  it("sees values from around an each without the element's index, and others with it", () => {
    const outside = identity(1)
    const context = contextOf(each(list(2), (n) => each(list(n), (m) => add(n, m, outside))))
    const [sum] = idOf(context, "add")
    const [outer, inner] = idOf(context, "item")
    expect(resolve(context, `${sum}[1,0]`)).toEqual([`<${outer}[1]>`, `<${inner}[1,0]>`, "<0>"])
  })

  it("gives an expand its list, a gate its width, and a collect its elements in order", () => {
    const outside = identity(1)
    const context = contextOf(each([4, 5], (n) => ({ sum: add(n, outside) })))
    const [expand] = idOf(context, "each")
    const [gate] = idOf(context, "gate")
    const [collect] = idOf(context, "collect")
    const [sum] = idOf(context, "add")
    expect(resolve(context, expand!)).toEqual([[4, 5]])
    expect(resolve(context, gate!)).toEqual([`<${expand}>`])
    expect(resolve(context, collect!, 2)).toEqual([[{ sum: `<${sum}[0]>` }, { sum: `<${sum}[1]>` }]])
    expect(resolve(context, collect!, 0)).toEqual([[]])
  })
})

describe("constants", () => {
  it("finds those of a node, at any depth", () => {
    const [one, two] = ["one", "two"].map((text) => text.repeat(100))
    const context = contextOf([echo([one, { two, node: identity(1) }]), echo(1), echo(two)])
    const found = [0, 1, 2, 3].map((id) =>
      Arguments.constants(context.graph, id).map((index) => context.constant(index)?.value)
    )
    expect(found.map((values) => new Set(values))).toEqual([
      new Set(),
      new Set([one, two]),
      new Set(),
      new Set([two])
    ])
  })
})
