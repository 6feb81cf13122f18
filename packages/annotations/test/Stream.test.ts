import { GraphBuilder, type Node, Plan, task } from "@weft/core"
import { describe, expect, expectTypeOf, it } from "vitest"
import { type Items, Stream, stream, streaming } from "../src/index.ts"

const numbers = task("numbers", async function* (n: number) {
  for (let i = 0; i < n; i++) yield i
})
const letters = task("letters", function* () {
  yield "a"
})
const sum = task("sum", async (items: Items<number>) => {
  let total = 0
  for await (const item of items) total += item
  return total
})
const longest = task("longest", (items: ReadonlyArray<number>) => Math.max(...items))

const annotations = (target: Node<unknown>, planned?: unknown) => {
  const { graph } = GraphBuilder.make(target, "test")
  const nodes: Plan.Plan["nodes"] = new Map(
    planned === undefined ? [] : [[0, { annotations: { stream: planned } }]]
  )
  const plan = Plan.make("test", { nodes })
  return Plan.annotationsOf(plan, graph, 0)
}

describe("stream", () => {
  it("puts the annotation on the task's calls, with its options", () => {
    expect(annotations(sum(stream(numbers)(3)))).toEqual({ stream: {} })
    expect(annotations(sum(stream(numbers, { buffer: 7 })(3)))).toEqual({ stream: { buffer: 7 } })
    expect(annotations(sum(numbers(3)))).toEqual({})
  })

  it("keeps the task's other options", () => {
    const retried = stream(numbers.with({ retry: 5 }), { buffer: 1 }).with({ timeout: 10 })
    const { graph } = GraphBuilder.make(sum(retried(3)), "test")
    expect(graph.options(0)).toMatchObject({ retry: 5, timeout: 10 })
    expect(annotations(sum(retried(3)))).toEqual({ stream: { buffer: 1 } })
  })

  it("yields to what a plan says", () => {
    expect(annotations(sum(stream(numbers)(3)), false)).toEqual({ stream: false })
    expect(annotations(sum(numbers(3)), { buffer: 2 })).toEqual({ stream: { buffer: 2 } })
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a buffer of %d", (buffer) => {
    expect(() => stream(numbers, { buffer })).toThrow('the annotation "stream" is not valid')
  })

  it("is a node's annotation, which a behaviour covers", () => {
    expect([Stream.annotation, Stream.scope, streaming.annotation]).toEqual(["stream", "node", Stream])
  })
})

describe("types", () => {
  it("a streamed generator gives items, to tasks that take items", () => {
    expectTypeOf(numbers(3)).toEqualTypeOf<Node<Array<number>>>()
    expectTypeOf(stream(numbers)(3)).toEqualTypeOf<Node<Items<number>>>()
    sum(stream(numbers)(3))
    sum(numbers(3))
    sum([1, numbersOf(2)])
    longest(numbers(3))
  })

  it("no other", () => {
    // @ts-expect-error a list is wanted
    longest(stream(numbers)(3))
    // @ts-expect-error items of another type
    sum(stream(letters)())
    // @ts-expect-error no generator, and no list either
    stream(sum)
    // @ts-expect-error no such option
    stream(numbers, { size: 3 })
  })
})

/** One of the items may be a node. */
const numbersOf = task("numbersOf", (n: number) => n)
