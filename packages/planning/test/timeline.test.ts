// The fast model on graphs that are small enough to be counted by hand.
import { GraphBuilder, type Node, task } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Assignment, type Environment, Model, Timeline } from "../src/index.ts"
import { type Figures, predictions } from "./cases.ts"

const work = task("work", (...values: ReadonlyArray<unknown>) => values.length)
const large = task("large", (...values: ReadonlyArray<unknown>) => values.length)

/** Warm starts take 15 ms, cold ones 300, a call of coordination 1, sending invocations 10; all have one core. */
const model = (
  targets: ReadonlyArray<Node<unknown>>,
  environment: Environment.Environment = {},
  more: Partial<Figures> = {}
) => {
  const { graph } = GraphBuilder.make(targets, "counted")
  const known = predictions({
    executionMs: () => 100,
    outputBytes: (name) => (name === "large" ? 6_000_000 : 100),
    ...more
  })
  return Model.make(graph, known, { environment })
}
const all = (of: Model.Model, memory = 1769) => Assignment.flexible(of.graph, memory)

describe("a flexible worker", () => {
  it("goes on with a chain without asking anybody", () => {
    const of = model([work(work(work()))])
    const { calls, coldStarts, endMs, makespanMs, workers } = Timeline.evaluate(of, all(of))
    expect([...endMs]).toEqual([400, 500, 600])
    // Begins, and tells at the end.
    expect([makespanMs, calls, workers.length, coldStarts]).toEqual([601, 2, 1, 1])
  })

  it("keeps one of what becomes ready, and invokes others for the rest", () => {
    const root = work()
    const of = model([work(root), work(root), work(root)])
    const { place, startMs, workers } = Timeline.evaluate(of, all(of))
    // 1 ms to tell, 1 to make others the holders, 10 to invoke them; those start cold.
    expect([...startMs]).toEqual([300, 412, 401 + 1 + 300, 401 + 1 + 300])
    expect(place[0]).toBe(place[1])
    expect(workers).toHaveLength(3)
  })

  it("keeps one of two, and both if they are known to be short", () => {
    const root = work()
    const of = model([work(root), work(root)])
    expect(Timeline.evaluate(of, all(of)).workers).toHaveLength(2)
    const short = model([work(work(root)), work(root)], { worthMs: 1000 })
    expect(Timeline.evaluate(short, all(short)).workers).toHaveLength(1)
  })

  it("is warm where another has left, and where there was one before", () => {
    const starts = (warm: number) => {
      const of = model([work(work()), work(work())], {}, { warm })
      return Timeline.evaluate(of, all(of)).coldStarts
    }
    expect([0, 1, 2].map(starts)).toEqual([2, 1, 0])
  })

  it("waits for a place where only one may run", () => {
    const of = model([work(), work()], { concurrency: 1 })
    // Two pieces of one node each: the second worker begins when the first has told and left.
    const { makespanMs } = Timeline.evaluate(of, all(of))
    expect(makespanMs).toBe(300 + 100 + 1 + 15 + 100 + 1)
  })
})

describe("named workers", () => {
  const joined = () => {
    const [a, b] = [work(), large()]
    return model([work(a, b)])
  }

  it("read from each other what is too large for messages", () => {
    const of = joined()
    const assignment = all(of)
    assignment.worker.set([0, 1, 0])
    const { bytesRead, executeMs, startMs } = Timeline.evaluate(of, assignment)
    // Each subscribes and attaches, 2 calls; the large value is written (8 + 100 ms), told (1), asked for (1).
    expect(startMs[2]).toBe(302 + 100 + 108 + 1 + 1)
    // A call says where it is, then it is read.
    expect(executeMs[2]).toBe(startMs[2]! + 1 + 108)
    expect(bytesRead).toBe(6_000_000)
  })

  it("have nothing to read where all is their own", () => {
    const of = joined()
    const assignment = all(of)
    assignment.worker.fill(0)
    const { bytesRead, bytesWritten, makespanMs, workers } = Timeline.evaluate(of, assignment)
    expect([bytesRead, bytesWritten, workers.length]).toEqual([0, 100, 1])
    expect(makespanMs).toBe(302 + 300 + 1)
  })

  it("read ahead what is preloaded, while they run something else", () => {
    const first = large()
    const second = work(work(work()))
    const of = model([work(first, second)])
    const makespan = (preload: number) => {
      const assignment = all(of)
      assignment.worker.set([0, 1, 1, 1, 1])
      assignment.preload[4] = preload
      return Timeline.evaluate(of, assignment).makespanMs
    }
    // It is kept at 511 ms, and comes until 620; without, it is read when the others are told, from 603 on.
    expect([makespan(0), makespan(1)]).toEqual([603 + 109 + 101, 620 + 101])
  })

  it("are invoked again if they have left", () => {
    const of = model([work(work(work(work())))], { idleMs: 50 })
    const assignment = all(of)
    assignment.worker.set([0, 1, 1, 0])
    const { coldStarts, workers } = Timeline.evaluate(of, assignment)
    expect(workers.map(({ worker }) => worker)).toEqual([0, 1, 0])
    expect(coldStarts).toBe(2)
  })
})

describe("environments", () => {
  it("with fewer cores than executions make these longer", () => {
    const of = model([work(), work(), work(), work()], { cores: 2 })
    const { makespanMs } = Timeline.evaluate(of, all(of))
    expect(makespanMs).toBeCloseTo(300 + 200 + 1, 6)
  })

  it("are there when they were started ahead", () => {
    const root = work()
    const prewarm = new Map([[0, [{ memory: 1769, workers: 2, afterMs: 0 }]]])
    const both = (executionMs: number) => {
      const of = model([work(root), work(root), work(root)], {}, { executionMs: () => executionMs })
      return [Timeline.evaluate(of, all(of)), Timeline.evaluate(of, { ...all(of), prewarm })] as const
    }
    const [late, tooLate] = both(100)
    expect(tooLate.makespanMs).toBe(late.makespanMs)
    const [cold, warm] = both(400)
    expect([cold.coldStarts, warm.coldStarts]).toEqual([3, 1])
    expect(cold.makespanMs - warm.makespanMs).toBe(285)
  })

  it("cost what memory and time say, the start of cold ones included", () => {
    const of = model([work()])
    const { gbSeconds } = Timeline.evaluate(of, all(of, 1024))
    // 173 ms at 58 % of a core, 1 ms to tell, and 285 ms more to start than a warm one.
    expect(gbSeconds).toBeCloseTo((100 * (1769 / 1024) + 1 + 285) / 1000, 9)
  })
})

it("the critical path leads back from the end, by what each waited for last", () => {
  const [a, b] = [work(), work(work())]
  const of = model([work(a, b)])
  const assignment = all(of)
  assignment.worker.set([0, 1, 1, 1])
  expect(Timeline.criticalPath(Timeline.evaluate(of, assignment))).toEqual([1, 2, 3])
})

it("graphs with nothing in them, one node, or lists of no length give numbers", () => {
  const of = model(
    [work()],
    { concurrency: 0, cores: Number.NaN },
    { executionMs: () => 0, outputBytes: () => 0 }
  )
  expect(Timeline.evaluate(of, all(of)).makespanMs).toBe(301)
  const empty = model([])
  expect(Timeline.evaluate(empty, all(empty))).toMatchObject({ makespanMs: 0, gbSeconds: 0 })
})
