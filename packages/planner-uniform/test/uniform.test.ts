import { GraphBuilder, Plan, Predictions, task } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryInput, expectSound, flexibleMs, planOf } from "../../planning/test/sound.ts"
import { knowing, type Surroundings, type Written, world } from "../../planning/test/worlds.ts"
import { behaviours, type UniformOptions, uniform } from "../src/index.ts"

const MiB = 2 ** 20

const planned = (
  nodes: Readonly<Record<string, Written>>,
  options?: UniformOptions,
  surroundings?: Surroundings
) => {
  const { graph, id, predictions } = world(nodes, surroundings)
  const plan = planOf(uniform(options), graph, predictions)
  Plan.check(plan, graph, uniform().annotations)
  return {
    plan,
    worker: (name: string) => Plan.workerOf(plan, id(name)),
    memory: (name: string) => Plan.memoryOf(plan, graph, id(name)),
    annotations: (name: string) => Plan.annotationsOf(plan, graph, id(name))
  }
}

describe("uniform", () => {
  /** `split → left, right → join`, 2 s each in the middle: two workers; split and join are on them. */
  it("spreads long branches, and keeps ends with them", () => {
    const { plan, worker } = planned({
      split: { ms: 10 },
      left: { ms: 2000, reads: ["split"] },
      right: { ms: 2000, reads: ["split"] },
      join: { ms: 10, reads: ["left", "right"] }
    })
    expect(worker("left")).not.toBe(worker("right"))
    expect([worker("left"), worker("right")]).toContain(worker("split"))
    expect([worker("left"), worker("right")]).toContain(worker("join"))
    expect(plan.timeline).toHaveLength(plan.nodes.size)
  })

  /** Branches of 20 ms: a start takes longer than both. */
  it("keeps short branches on one worker", () => {
    const { worker } = planned({
      split: { ms: 10 },
      left: { ms: 20, reads: ["split"] },
      right: { ms: 20, reads: ["split"] },
      join: { ms: 10, reads: ["left", "right"] }
    })
    expect(new Set(["split", "left", "right", "join"].map(worker)).size).toBe(1)
  })

  /**
   * ```
   *    last (3 s, 60 MiB) ─────┐
   *    one (0.5 s, 30 MiB) ────┼→ join
   *    other (0.5 s, 30 MiB) ──┘
   * ```
   * join runs where 60 MiB are; the other 60 can be fetched while `last` runs.
   */
  it("preloads on the critical path", () => {
    const { annotations, worker } = planned({
      last: { ms: 3000, bytes: 60 * MiB },
      one: { ms: 500, bytes: 30 * MiB },
      other: { ms: 500, bytes: 30 * MiB },
      join: { ms: 10, reads: ["last", "one", "other"] }
    })
    expect(worker("join")).toBe(worker("last"))
    expect(worker("one")).not.toBe(worker("last"))
    expect(annotations("join")).toEqual({ preload: true })
    expect(annotations("last")).toEqual({})
  })

  it("gives all workers the memory with which the run is shortest, and no more", () => {
    const computing = planned({ a: { ms: 1000 }, b: { ms: 1000, reads: ["a"] } })
    expect([computing.memory("a"), computing.memory("b")]).toEqual([1769, 1769])
    const waiting = planned({ a: { ms: 1000, computing: 0 }, b: { ms: 1000, computing: 0, reads: ["a"] } })
    expect([waiting.memory("a"), waiting.memory("b")]).toEqual([256, 256])
  })

  it("gives the memory that is asked for, and tasks that ask for more what they ask for", () => {
    const { memory } = planned({ a: { ms: 1000 }, b: { ms: 5000, memory: 3008 } }, { memory: 512 })
    expect([memory("a"), memory("b")]).toEqual([512, 3008])
  })

  it("has no more workers than it may", () => {
    const nodes = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`t${i}`, { ms: 3000 }]))
    const count = (options: UniformOptions) =>
      new Set(Object.keys(nodes).map(planned(nodes, options).worker)).size
    expect(count({ maxWorkers: 3 })).toBeLessThanOrEqual(3)
    expect(count({ environment: { concurrency: 5 } })).toBeLessThanOrEqual(5)
  })

  it("says what it expects, and what that rests on", () => {
    const { plan } = planned({ a: { ms: 1000 }, b: { ms: 1000, reads: ["a"] } })
    expect(plan.notes).toEqual([
      "predictions rest on 5 runs of this workflow, and on 5 measurements or more of each known task (fewest: a)",
      expect.stringMatching(/^predicted \(on average\): \d+ ms, [\d.]+ GB-seconds$/)
    ])
  })

  it("has flexible workers of the middle size where nothing is known, and says so", () => {
    const { graph } = world({ a: { ms: 1 }, b: { ms: 1, reads: ["a"] } })
    const plan = planOf(uniform(), graph, Predictions.none)
    expect([...plan.nodes.values()]).toEqual([{ memory: 1769 }, { memory: 1769 }])
    expect(plan.notes[0]).toMatch(/^nothing is known of any task/)
  })

  it("says what it does not know, of some", () => {
    const { graph } = world({ a: { ms: 1 }, b: { ms: 1, reads: ["a"] } })
    const plan = planOf(uniform(), graph, knowing(new Map([["a", { ms: 1000 }]])))
    expect(plan.notes).toContainEqual("nothing is known of: b; counted with 100 ms for each call")
    expect(plan.timeline).toHaveLength(2)
  })

  it("plans with hints where nothing is measured", () => {
    const hinted = task("hinted", (n: number) => n, { hints: { executionMs: 2000 } })
    const { graph } = GraphBuilder.make([hinted(1), hinted(2)], "test")
    const plan = planOf(uniform(), graph, Predictions.none)
    const ends = plan.timeline.map(({ endMs }) => endMs)
    expect(Math.max(...ends)).toBeLessThan(4000)
    expect(plan.notes).toContainEqual("only hints are known of: hinted")
  })

  it("plans a graph without nodes, and one with one", () => {
    const { graph } = GraphBuilder.make("nothing", "test")
    expect(planOf(uniform(), graph, Predictions.none).nodes.size).toBe(0)
    expect(planned({ a: { ms: 0, bytes: 0 } }).plan.timeline).toHaveLength(1)
  })

  it("gives sound plans, never clearly longer than without names", () => {
    fc.assert(
      fc.property(arbitraryInput(), ([graph, predictions]) => {
        const plan = expectSound(uniform({ memory: 1024 }), graph, predictions)
        const endMs = plan.timeline.reduce((last, one) => Math.max(last, one.endMs), 0)
        expect(endMs).toBeLessThanOrEqual(flexibleMs(graph, predictions, 1024) * 1.031 + 1e-6)
      }),
      { numRuns: 20 }
    )
  })

  it("refuses options out of their bounds", () => {
    expect(() => uniform({ memory: 0 })).toThrow("memory is 0; it must be a whole number of MiB from 1")
    expect(() => uniform({ sla: 1.5 })).toThrow(RangeError)
    expect(() => uniform({ maxWorkers: -1 })).toThrow(RangeError)
  })

  it("brings the behaviours for its annotations", () => {
    expect(behaviours.map(({ annotation }) => annotation)).toEqual(uniform().annotations)
  })
})
