import { each, GraphBuilder, Plan, Planner, Predictions, task } from "@weft/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { type SimpleOptions, simple } from "../src/index.ts"

const list = task("list", (n: number) => Array.from({ length: n }, (_, i) => i))
const double = task("double", (n: number) => n * 2)
const large = task("large", (n: number) => n, { memory: 4096 })

const planOf = (targets: unknown, options?: SimpleOptions) => {
  const { graph } = GraphBuilder.make(targets, "test")
  const plan = Effect.runSync(Planner.run(simple(options), graph, Predictions.none))
  return { graph, plan, memory: plan.memory, check: () => Plan.check(plan, graph, []) }
}

describe("simple", () => {
  it("says nothing about single nodes, whatever the graph", () => {
    const { check, plan } = planOf(each(list(3), (n) => each(list(n), (m) => double(m))))
    expect(plan).toEqual({
      planner: "simple",
      memory: Plan.DEFAULT_MEMORY,
      nodes: new Map(),
      annotations: {},
      notes: [],
      timeline: []
    })
    expect(check).not.toThrow()
  })

  it("plans a graph without nodes", () => {
    expect(planOf("nothing").check).not.toThrow()
  })

  it("gives all workers the memory that is asked for", () => {
    expect(planOf(double(1), { memory: 512 }).memory).toBe(512)
  })

  it.each([
    ["a task", () => large(double(1)), 4096],
    ["a call", () => double.with({ memory: 2048 })(1), 2048],
    ["a call of a task that asks for less", () => large.with({ memory: 8192 })(1), 8192],
    ["a node inside an each", () => each(list(2), (n) => large(n)), 4096],
    ["nobody, beyond the usual", () => double.with({ memory: 128 })(1), Plan.DEFAULT_MEMORY]
  ])("gives at least what is asked for by %s", (_, targets, memory) => {
    const planned = planOf(targets())
    expect(planned.memory).toBe(memory)
    expect(planned.check).not.toThrow()
  })

  it("leaves a task that asks for more what it asks for", () => {
    const { check, graph, plan } = planOf(large(double(1)), { memory: 512 })
    expect(check).not.toThrow()
    expect([0, 1].map((node) => Plan.memoryOf(plan, graph, node))).toEqual([512, 4096])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a memory of %d MiB", (memory) => {
    expect(() => simple({ memory })).toThrow(/it must be a whole number of MiB above 0/)
  })

  it("declares that it emits no annotations", () => {
    expect(simple().annotations).toEqual([])
  })
})
