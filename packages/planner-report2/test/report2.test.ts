import { GraphBuilder, Plan, Predictions } from "@weft/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { uniform } from "../../planner-uniform/src/index.ts"
import { arbitraryInput, expectSound, flexibleMs, planOf } from "../../planning/test/sound.ts"
import { type Surroundings, type Written, world } from "../../planning/test/worlds.ts"
import { behaviours, type Report2Options, report2 } from "../src/index.ts"

const planned = (
  nodes: Readonly<Record<string, Written>>,
  options?: Report2Options,
  surroundings?: Surroundings
) => {
  const { graph, id, predictions } = world(nodes, surroundings)
  const plan = planOf(report2(options), graph, predictions)
  Plan.check(plan, graph, report2().annotations)
  return {
    plan,
    equal: planOf(uniform(options), graph, predictions),
    worker: (name: string) => Plan.workerOf(plan, id(name)),
    memory: (name: string) => Plan.memoryOf(plan, graph, id(name)),
    annotations: (name: string) => Plan.annotationsOf(plan, graph, id(name))
  }
}

/** What a plan says that it costs, and how long it takes. */
const promised = ({ notes }: Plan.Plan) => {
  const found = /: (\d+) ms, ([\d.e+-]+) GB-seconds$/.exec(notes.at(-1)!)!
  return { ms: Number(found[1]), gbSeconds: Number(found[2]) }
}

describe("report2", () => {
  /**
   * ```
   *             ┌→ long (5 s, computes) ────────┐
   *    split ───┤                               ├→ join
   *             └→ short (2 s, waits mostly) ───┘
   * ```
   * `short` has two and a half seconds to spare. With 512 MiB it takes 2 s · (0.7 + 0.3 · 3.46) = 3.5 s, with 256 MiB 5.5 s, which
   * would be the new critical path.
   */
  it("lowers the memory off the critical path as far as it stays off", () => {
    const { equal, memory, plan, worker } = planned({
      split: { ms: 10 },
      long: { ms: 5000, reads: ["split"] },
      short: { ms: 2000, computing: 0.3, reads: ["split"] },
      join: { ms: 10, reads: ["long", "short"] }
    })
    expect(worker("long")).not.toBe(worker("short"))
    expect([memory("long"), memory("short")]).toEqual([1769, 512])
    expect(promised(plan).ms).toBeLessThanOrEqual(promised(equal).ms)
    expect(promised(plan).gbSeconds).toBeLessThan(promised(equal).gbSeconds)
  })

  it("does not pay for memory that does not help", () => {
    const { memory } = planned({ a: { ms: 1000, computing: 0 }, b: { ms: 1000, computing: 0, reads: ["a"] } })
    expect([memory("a"), memory("b")]).toEqual([256, 256])
  })

  /** `split (2 s) → left, right (5 s)`: the worker of one of them begins when split is done. */
  it("prewarms for a worker on the critical path that begins later", () => {
    const { annotations, equal, plan } = planned({
      split: { ms: 2000 },
      left: { ms: 5000, reads: ["split"] },
      right: { ms: 5000, reads: ["split"] }
    })
    const [one, ...others] = annotations("split").prewarm as ReadonlyArray<{
      workers: number
      memory: number
    }>
    expect(one).toMatchObject({ workers: 1, memory: 1769 })
    expect(others).toEqual([])
    expect(promised(plan).ms).toBeLessThan(promised(equal).ms - 300)
  })

  it("leaves tasks the memory that they ask for", () => {
    const { memory } = planned({
      a: { ms: 5000 },
      b: { ms: 100, computing: 0, memory: 3008 }
    })
    expect(memory("b")).toBeGreaterThanOrEqual(3008)
  })

  it("has flexible workers of the middle size where nothing is known, and says so", () => {
    const { graph } = world({ a: { ms: 1 }, b: { ms: 1, reads: ["a"] } })
    const plan = planOf(report2({ memorySizes: [128, 640, 2048] }), graph, Predictions.none)
    expect([...plan.nodes.values()]).toEqual([{ memory: 640 }, { memory: 640 }])
    expect(plan.notes[0]).toMatch(/^nothing is known of any task/)
  })

  it("plans a graph without nodes, and one with one", () => {
    const { graph } = GraphBuilder.make("nothing", "test")
    expect(planOf(report2(), graph, Predictions.none).nodes.size).toBe(0)
    expect(planned({ a: { ms: 0, bytes: 0 } }).plan.timeline).toHaveLength(1)
  })

  it("gives sound plans, never clearly longer than without names", () => {
    fc.assert(
      fc.property(arbitraryInput(), ([graph, predictions]) => {
        const plan = expectSound(report2({ memorySizes: [1024] }), graph, predictions)
        const endMs = plan.timeline.reduce((last, one) => Math.max(last, one.endMs), 0)
        expect(endMs).toBeLessThanOrEqual(flexibleMs(graph, predictions, 1024) * 1.031 + 1e-6)
      }),
      { numRuns: 20 }
    )
  })

  it("is never longer than equal workers, nor dearer at the same length", () => {
    fc.assert(
      fc.property(arbitraryInput(), ([graph, predictions]) => {
        fc.pre(predictions.runs > 0 && graph.size > 0)
        const own = promised(planOf(report2(), graph, predictions))
        const equal = promised(planOf(uniform(), graph, predictions))
        expect(own.ms).toBeLessThanOrEqual(equal.ms)
        if (own.ms >= equal.ms * 0.97) expect(own.gbSeconds).toBeLessThanOrEqual(equal.gbSeconds)
      }),
      { numRuns: 20 }
    )
  })

  it("refuses options out of their bounds", () => {
    expect(() => report2({ sla: 0 })).toThrow(RangeError)
    expect(() => report2({ tasksPerWorker: 0.5 })).toThrow("tasksPerWorker is 0.5")
  })

  it("brings the behaviours for its annotations", () => {
    expect(behaviours.map(({ annotation }) => annotation)).toEqual(report2().annotations)
  })
})
