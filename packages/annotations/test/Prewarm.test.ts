import { type Behaviour, type Graph, GraphBuilder, Plan, task } from "@weft/core"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { Prewarm, type PrewarmOptions, prewarm, prewarming } from "../src/index.ts"

const split = task("split", (n: number) => n)
const ten: PrewarmOptions = { memory: 3008, workers: 10, afterMs: 0 }
const one: PrewarmOptions = { memory: 128, workers: 1, afterMs: 500 }

describe("prewarm", () => {
  it("puts the annotation on the task's calls", () => {
    const { graph } = GraphBuilder.make(prewarm(split, ten, one)(1), "test")
    const plan = Plan.make("test")
    expect(Plan.annotationsOf(plan, graph, 0)).toEqual({ prewarm: [ten, one] })
  })

  it.each<[string, PrewarmOptions]>([
    ["no memory", { ...one, memory: 0 }],
    ["half a MiB", { ...one, memory: 0.5 }],
    ["no worker", { ...one, workers: 0 }],
    ["a time that is past", { ...one, afterMs: -1 }],
    ["a time that never comes", { ...one, afterMs: Number.POSITIVE_INFINITY }]
  ])("refuses %s", (_, options) => {
    expect(() => Prewarm([options])).toThrow('the annotation "prewarm" is not valid')
  })
})

describe("prewarming", () => {
  it("asks for each when the node begins to execute, and gives what the node gives", async () => {
    const asked: Array<ReadonlyArray<number>> = []
    const context: Behaviour.NodeContext<ReadonlyArray<PrewarmOptions>> = {
      run: "r",
      worker: "w",
      named: false,
      graph: {} as Graph.Graph,
      plan: {} as Plan.Plan,
      assigned: () => [],
      preload: () => Effect.void,
      prewarm: (...args) => Effect.sync(() => void asked.push(args)),
      value: [ten, one],
      instance: 0,
      node: 0,
      label: "split#0",
      task: "split",
      attempt: 1
    }
    const given = prewarming.stages.execute!(
      context,
      Effect.sync(() => asked.length)
    )
    expect(await Effect.runPromise(given)).toBe(2)
    expect(asked).toEqual([
      [3008, 10, 0],
      [128, 1, 500]
    ])
  })
})
