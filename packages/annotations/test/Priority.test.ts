import { Annotation, GraphBuilder, Plan, task } from "@weft/core"
import { describe, expect, expectTypeOf, it } from "vitest"
import { Priority, prioritize, prioritizing } from "../src/index.ts"

const load = task("load", (n: number) => n, { retry: 3 })
const { graph } = GraphBuilder.make(prioritize(load, -1.5)(1), "test")

describe("prioritize", () => {
  it("puts the annotation on the task's calls, beside its other options", () => {
    const values = Plan.annotationsOf(Plan.make("test"), graph, 0)
    expect(Annotation.read(Priority, values, "load#0")).toBe(-1.5)
    expect(graph.options(0)).toMatchObject({ retry: 3 })
    expectTypeOf(prioritize(load, 1)).toEqualTypeOf<typeof load>()
  })

  it("yields to what a plan says", () => {
    const plan = Plan.make("test", { nodes: new Map([[0, { annotations: { priority: 7 } }]]) })
    expect(Annotation.read(Priority, Plan.annotationsOf(plan, graph, 0), "load#0")).toBe(7)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %d", (priority) => {
    expect(() => prioritize(load, priority)).toThrow(/the annotation "priority" is not valid/)
  })
})

describe("prioritizing", () => {
  it("wraps no stage: workers act on the annotation by themselves", () => {
    expect([prioritizing.annotation, prioritizing.stages]).toEqual([Priority, {}])
  })
})
