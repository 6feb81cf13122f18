import { Plan } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Baselines } from "../src/index.ts"
import { arbitraryInput, expectSound, planOf } from "./sound.ts"
import { world } from "./worlds.ts"

const planners = [Baselines.random({ seed: 7 }), Baselines.single(), Baselines.heft({ workers: 3 })]

describe("baselines", () => {
  it.each(planners)("$name gives sound plans", (planner) => {
    fc.assert(
      fc.property(arbitraryInput(), ([graph, predictions]) => {
        expectSound(planner, graph, predictions)
      }),
      { numRuns: 20 }
    )
  })

  const { graph, predictions } = world(
    Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`t${i}`, { ms: 10 + i }]))
  )
  const workersOf = (plan: Plan.Plan) =>
    Array.from({ length: graph.size }, (_, node) => Plan.workerOf(plan, node))

  it("random places by its seed, on all its workers", () => {
    const by = (seed: number) => workersOf(planOf(Baselines.random({ seed, workers: 4 }), graph, predictions))
    expect(by(1)).toEqual(by(1))
    expect(by(1)).not.toEqual(by(2))
    expect(new Set(by(1))).toEqual(new Set(["w0", "w1", "w2", "w3"]))
  })

  it("single has one worker", () => {
    expect(new Set(workersOf(planOf(Baselines.single(), graph, predictions)))).toEqual(new Set(["w0"]))
  })

  it("has the memory that is asked for", () => {
    const plan = planOf(Baselines.heft({ memory: 777 }), graph, predictions)
    expect(Plan.memoryOf(plan, graph, 3)).toBe(777)
  })

  it.each([
    ["workers", () => Baselines.heft({ workers: 0 })],
    ["memory", () => Baselines.single({ memory: 0.5 })],
    ["seed", () => Baselines.random({ seed: 0.5 })],
    ["sla", () => Baselines.random({ sla: 2 })]
  ])("refuses a wrong option: %s", (name, make) => {
    expect(make).toThrow(RangeError)
    expect(make).toThrow(name === "workers" ? "maxWorkers" : name)
  })
})

describe("HEFT", () => {
  /**
   * The example of the paper (figure 2 and table 1): ten tasks, three processors that are fast at different tasks. Table 2
   * gives the upward ranks, figure 3 (a) the schedule, which is 80 long.
   */
  it("schedules the example of the paper as the paper does", () => {
    const costs = [
      [14, 16, 9],
      [13, 19, 18],
      [11, 13, 19],
      [13, 8, 17],
      [12, 13, 10],
      [13, 16, 9],
      [7, 15, 11],
      [5, 11, 14],
      [18, 12, 20],
      [21, 7, 16]
    ]
    const communication = new Map(
      [
        [1, 2, 18],
        [1, 3, 12],
        [1, 4, 9],
        [1, 5, 11],
        [1, 6, 14],
        [2, 8, 19],
        [2, 9, 16],
        [3, 7, 23],
        [4, 8, 27],
        [4, 9, 23],
        [5, 9, 13],
        [6, 8, 15],
        [7, 10, 17],
        [8, 10, 11],
        [9, 10, 13]
      ].map(([from, to, ms]) => [`${from! - 1} ${to! - 1}`, ms!])
    )
    const edges = [...communication.keys()].map((key) => key.split(" ").map(Number) as [number, number])
    const rows = (of: 0 | 1) => {
      const lists = costs.map((_, task) =>
        edges.filter((edge) => edge[of] === task).map((edge) => edge[of === 0 ? 1 : 0])
      )
      let at = 0
      const start = Int32Array.from([0, ...lists.map((list) => (at += list.length))])
      return { start, list: Int32Array.from(lists.flat()) }
    }
    const { endMs, makespanMs, processor, rank } = Baselines.schedule({
      size: 10,
      processors: 3,
      parents: rows(1),
      children: rows(0),
      costMs: (task, on) => costs[task]![on]!,
      communicationMs: (from, to) => communication.get(`${from} ${to}`)!
    })
    expect([...rank].map((one) => Math.round(one))).toEqual([108, 77, 80, 80, 69, 63, 43, 36, 44, 15])
    expect(makespanMs).toBe(80)
    expect([...processor].map((on) => on + 1)).toEqual([3, 1, 3, 2, 3, 2, 3, 1, 2, 2])
    expect(endMs[9]).toBe(80)
  })
})
