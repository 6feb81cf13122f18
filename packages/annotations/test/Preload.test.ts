import { GraphBuilder, Plan, task } from "@weft/core"
import * as Effect from "effect/Effect"
import { describe, expect, expectTypeOf, it } from "vitest"
import { Preload, preload, preloading } from "../src/index.ts"

const left = task("left", (n: number) => n)
const join = task("join", (a: number, b: number) => a + b, { retry: 3 })

const { graph } = GraphBuilder.make(preload(join)(left(1), join(left(2), 3)), "test")
const planOf = (nodes: Record<number, Plan.NodePlan>): Plan.Plan =>
  Plan.make("test", { nodes: new Map(Object.entries(nodes).map(([id, node]) => [Number(id), node])) })
const nodes = (name: string) =>
  Array.from({ length: graph.size }, (_, id) => id).filter((id) => graph.name(id) === name)
const preloaded = nodes("join").find((id) => graph.options(id).annotations !== undefined)!

describe("preload", () => {
  it("puts the annotation on the task's calls, beside its other options", () => {
    expect(Plan.annotationsOf(planOf({}), graph, preloaded)).toEqual({ preload: true })
    expect(graph.options(preloaded)).toMatchObject({ retry: 3 })
    expectTypeOf(preload(join)).toEqualTypeOf<typeof join>()
  })

  it("yields to what a plan says", () => {
    const plan = planOf({ [preloaded]: { annotations: { preload: false } } })
    expect(Plan.annotationsOf(plan, graph, preloaded)).toEqual({ preload: false })
  })
})

describe("preloading", () => {
  const asks = async (plan: Plan.Plan) => {
    const asked: Array<ReadonlyArray<number>> = []
    const context = {
      run: "r",
      worker: "a",
      named: true,
      graph,
      plan,
      value: undefined,
      assigned: () => [...plan.nodes.keys()],
      preload: (nodes: ReadonlyArray<number>) => Effect.sync(() => void asked.push(nodes)),
      prewarm: () => Effect.void
    }
    await Effect.runPromise(preloading.stages.start!(context, Effect.void))
    return asked
  }

  it("asks, when its worker begins, for what the annotated nodes of the worker read", async () => {
    const all = Object.fromEntries(nodes("join").map((id) => [id, { worker: "a" }]))
    expect(await asks(planOf(all))).toEqual([[preloaded]])
    const off = { [preloaded]: { worker: "a", annotations: { [Preload.annotation]: false } } }
    expect(await asks(planOf(off))).toEqual([[]])
  })

  it("has workers told of it where it is switched on", () => {
    expect([true, false].map((value) => preloading.announces?.(value))).toEqual([true, false])
  })
})
