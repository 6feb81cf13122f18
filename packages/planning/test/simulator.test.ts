// The simulator: what it gives of a run, and that it is the same each time.
import { each, GraphBuilder, Plan, Planner, Predictions, task } from "@weft/core"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { Assignment, Environment, Model, Simulator, Timeline } from "../src/index.ts"
import { behaviours, prediction, predictions, randomCase } from "./cases.ts"

const simulate = (input: Simulator.SimulationInput) => Effect.runPromise(Simulator.simulate(input))

const split = task("split", (): Array<number> => [], { hints: { width: 5, outputBytes: 5000 } })
const step = task("step", (value: number) => value)
const sum = task("sum", (values: ReadonlyArray<number>) => values.length)
const known = predictions({ executionMs: () => 100, outputBytes: () => 5000, spread: 0.5 })

describe("a simulated run", () => {
  it("begins warm where nothing is ever cold", async () => {
    const { graph } = GraphBuilder.make([step(1), step(2)], "warm")
    const warm = { ...known, warm: () => Number.MAX_SAFE_INTEGER }
    const { coldStarts } = await simulate({ graph, plan: Plan.make("none"), predictions: warm, samples: 1 })
    expect(coldStarts).toBe(0)
  })

  it("has each instance once, with lists as long as predicted, and counts what it takes", async () => {
    const { graph } = GraphBuilder.make(sum(each(split(), (value) => step(step(value)))), "lists")
    const simulation = await simulate({ graph, plan: Plan.make("none"), predictions: known, samples: 5 })
    const names = simulation.instances.map(({ task }) => task)
    expect(names.filter((name) => name === "step")).toHaveLength(10)
    expect(new Set(simulation.instances.map(({ instance }) => instance)).size).toBe(names.length)
    expect(simulation.timeline).toHaveLength(names.length)
    expect(simulation.workers.length).toBeGreaterThan(1)
    expect(simulation.coldStarts).toBe(simulation.workers.filter(({ isCold }) => isCold).length)
    expect(simulation.gbSeconds).toBeGreaterThan(0)
    expect(simulation.cost).toBeGreaterThan(simulation.gbSeconds * 0.0000166667)
    // Reads the list's elements, writes steps' results for who collects them.
    expect(simulation.bytes).toBeGreaterThan(5000)
  })

  it("waits for the store's client once in each new environment, as the fast model does", async () => {
    const { graph } = GraphBuilder.make(step(step(step(1))), "there and back")
    const nodes = new Map(Array.from({ length: 3 }, (_, id) => [id, { worker: `w${id % 2}` }] as const))
    const plan = Plan.make("none", { nodes })
    const environment = { idleMs: 60_000 }
    const run = async (firstMs: number) => {
      const large = {
        ...predictions({ executionMs: () => 100, outputBytes: () => 6e6 }),
        transferMs: (...[, , worker]: Parameters<Predictions.Predictions["transferMs"]>) =>
          prediction(worker?.start === "cold" ? firstMs : 10)
      }
      const model = Model.make(graph, large, { environment })
      const assignment = Assignment.flexible(graph, 1769)
      assignment.worker.set([0, 1, 0])
      const { meanRunMs } = await simulate({ graph, plan, predictions: large, environment, samples: 1 })
      return { meanRunMs, fastMs: Timeline.evaluate(model, assignment).makespanMs }
    }
    // One writes, the other reads. After that both are connected.
    const [slow, fast] = [await run(1000), await run(10)]
    expect(slow.meanRunMs - fast.meanRunMs).toBeCloseTo(2 * 990, 6)
    expect(slow.fastMs - fast.fastMs).toBeCloseTo(2 * 990, 6)
  })

  it("is the same for a seed, and another for another one", async () => {
    const one = { ...randomCase(7, "mixed"), behaviours, samples: 3 }
    const varied = { ...one, predictions: { ...one.predictions, executionMs: () => prediction(100, 0.5) } }
    const [first, again, other] = await Promise.all([
      simulate(varied),
      simulate(varied),
      simulate({ ...varied, seed: 2 })
    ])
    expect(JSON.stringify(again)).toBe(JSON.stringify(first))
    expect(again.rawMakespanMs.percentile(0.3)).toBe(first.rawMakespanMs.percentile(0.3))
    expect(other.rawMakespanMs.mean).not.toBe(first.rawMakespanMs.mean)
    expect(other.meanRunMs).toBe(first.meanRunMs)
  })

  it("varies as a whole: many tasks do not average out", async () => {
    const targets = Array.from({ length: 12 }, (_, i) => step(step(i)))
    const { graph } = GraphBuilder.make(targets, "wide")
    const { rawMakespanMs } = await simulate({
      graph,
      plan: Plan.make("none"),
      predictions: known,
      samples: 25
    })
    const [low, high] = [rawMakespanMs.percentile(0.1), rawMakespanMs.percentile(0.9)]
    expect(low).toBeLessThan(rawMakespanMs.percentile(0.5))
    expect((high - low) / rawMakespanMs.mean).toBeGreaterThan(0.1)
  })

  it("ends for any workflow, and agrees with the fast model in how much there is to do", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWorkflow, async ({ build }) => {
        const { graph } = GraphBuilder.make(build(), "random")
        fc.pre(graph.targets.size > 0)
        const model = Model.make(graph, known)
        const { instances, meanRunMs } = await simulate({
          graph,
          plan: Plan.make("none"),
          predictions: known,
          samples: 0
        })
        expect(Number.isFinite(meanRunMs)).toBe(true)
        expect(instances.length).toBeLessThanOrEqual(model.unrolled.size)
        const { makespanMs } = Timeline.evaluate(model, Assignment.flexible(graph, 1024))
        expect(Number.isFinite(makespanMs)).toBe(true)
      }),
      { numRuns: 25 }
    )
  }, 60_000)

  it("says which graphs are too large for it", async () => {
    const { graph } = GraphBuilder.make(
      Array.from({ length: 12_001 }, (_, i) => step(i)),
      "huge"
    )
    const error = await Effect.runPromise(
      Effect.flip(Simulator.simulate({ graph, plan: Plan.make("none"), predictions: known }))
    )
    expect(error.message).toContain("at most 12000 are simulated; use the fast model")
  })

  it("corrects the makespan by how earlier predictions turned out", async () => {
    const { graph } = GraphBuilder.make(step(step(1)), "chain")
    const factor: Predictions.Prediction = { ...prediction(1.2, 0.1), samples: 250 }
    const corrected = {
      ...known,
      calibration: (planner: string) =>
        planner === "none" ? { ratio: factor, makespanMs: undefined } : undefined
    }
    const { makespanMs, rawMakespanMs } = await simulate({
      graph,
      plan: Plan.make("none"),
      predictions: corrected
    })
    expect(makespanMs.mean).toBeCloseTo(rawMakespanMs.mean * 1.2, 6)
    // With so many runs behind it the spread is that of experience: from 0.9 to 1.1 times 1.2.
    expect(makespanMs.percentile(0.9) / (rawMakespanMs.mean * 1.2)).toBeCloseTo(1.08, 1)
    const [p10, p50, p90] = [0.1, 0.5, 0.9].map(makespanMs.percentile)
    expect(p10).toBeLessThan(p50!)
    expect(p50).toBeLessThan(p90!)
  })
})

describe("behaviours", () => {
  it("act: what is prewarmed is not cold", async () => {
    const root = step(1)
    const { graph } = GraphBuilder.make([step(root), step(root), step(root)], "fan-out")
    const slow = predictions({ executionMs: () => 500, outputBytes: () => 10 })
    const assignment = Assignment.flexible(graph, 1769)
    const planOf = (prewarm: Assignment.Assignment["prewarm"]) =>
      Effect.runPromise(
        Planner.run(
          {
            name: "given",
            annotations: [],
            plan: ({ draft }) => Assignment.draft({ ...assignment, prewarm }, draft as never)
          },
          graph,
          Predictions.none
        )
      )
    const simulated = async (prewarm: Assignment.Assignment["prewarm"]) =>
      simulate({ graph, plan: await planOf(prewarm), behaviours, predictions: slow, samples: 0 })
    const cold = await simulated(new Map())
    const warm = await simulated(new Map([[0, [{ memory: 1769, workers: 2, afterMs: 100 }]]]))
    expect([cold.coldStarts, warm.coldStarts]).toEqual([3, 1])
    expect(cold.meanRunMs - warm.meanRunMs).toBeCloseTo(285, 6)
  })
})

describe("environments of engines", () => {
  it("on one machine share its cores, and memory changes nothing", () => {
    const { graph } = GraphBuilder.make(step(1), "one")
    const environment = Environment.environmentOf({ name: "threads", parallelism: 4 })
    const model = Model.make(graph, known, { environment })
    expect(model.environment).toMatchObject({ concurrency: 4, cores: 4, coreMiB: 0, leavesPlace: true })
    expect(Environment.coreShare(model.environment, 128)).toBe(1)
  })

  it("on AWS Lambda have cores of their own, by memory", () => {
    const environment = Environment.resolve(Environment.environmentOf({ name: "lambda" }))
    expect(environment).toMatchObject({ concurrency: 1000, cores: Number.POSITIVE_INFINITY })
    expect(Environment.coreShare(environment, 1769 / 2)).toBe(0.5)
    expect(Environment.coreShare(environment, 10_240)).toBe(1)
  })
})
