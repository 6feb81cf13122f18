import { each, GraphBuilder, Predictions, task } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Assignment, Model, Search } from "../src/index.ts"
import { type Surroundings, type Written, world } from "./worlds.ts"

const MiB = 2 ** 20

/** The worker of each node by name. */
const placed = (
  nodes: Readonly<Record<string, Written>>,
  options: Partial<Search.PlacementOptions> = {},
  surroundings?: Surroundings
) => {
  const { graph, id, predictions } = world(nodes, surroundings)
  const model = Model.make(graph, predictions)
  const assignment = Search.place(model, { memory: 1769, maxWorkers: 1000, tasksPerWorker: 100, ...options })
  const worker = (name: string) => assignment.worker[id(name)]!
  return {
    worker,
    workers: new Set(assignment.worker),
    memory: (name: string) => assignment.memory[id(name)]
  }
}

describe("place", () => {
  /** `a → b → c`: nothing is gained by sending what the worker has. */
  it("keeps the worker from one to one", () => {
    const { workers } = placed({
      a: { ms: 10 },
      b: { ms: 5000, reads: ["a"] },
      c: { ms: 1, reads: ["b"] }
    })
    expect([...workers]).toEqual([0])
  })

  /** `a`, `b`: a start takes 350 ms, waiting for the other 1,000. */
  it("starts a worker for each long root", () => {
    expect(placed({ a: { ms: 1000 }, b: { ms: 1000 } }).workers.size).toBe(2)
  })

  /** `a`, `b`, `c`: 3 ms each are not worth an invocation. */
  it("lets short roots share a worker", () => {
    expect(placed({ a: { ms: 3 }, b: { ms: 3 }, c: { ms: 3 } }).workers.size).toBe(1)
  })

  /**
   * ```
   *        ┌→ short1, short2   5 ms, 10 MiB
   *    p ──┤
   *        └→ long1, long2, long3   5 s
   * ```
   * The short ones would wait 351 ms for a worker and then have to send 10 MiB. Each long one would make others wait.
   */
  it("keeps short tasks with large outputs on a fan-out, and spreads long ones", () => {
    const short = { ms: 5, bytes: 10 * MiB, reads: ["p"] }
    const long = { ms: 5000, reads: ["p"] }
    const { worker } = placed({
      p: { ms: 10 },
      long1: long,
      short1: short,
      long2: long,
      short2: short,
      long3: long
    })
    expect([worker("short1"), worker("short2")]).toEqual([worker("p"), worker("p")])
    expect(new Set(["long1", "long2", "long3"].map(worker)).size).toBe(3)
  })

  /** `p → c0 … c5`: four of 90 ms would be done before a new worker has begun; the limit is two. */
  it("gives a worker so many tasks of a fan-out at most", () => {
    const children = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`c${i}`, { ms: 90, reads: ["p"] }])
    )
    const counts = (tasksPerWorker: number) => {
      const { worker } = placed({ p: { ms: 10 }, ...children }, { tasksPerWorker })
      const on = new Map<number, number>()
      for (const name of Object.keys(children)) on.set(worker(name), (on.get(worker(name)) ?? 0) + 1)
      return Math.max(...on.values())
    }
    expect(counts(100)).toBeGreaterThan(2)
    expect(counts(2)).toBe(2)
  })

  /** `a → j ← b`: b's 50 MiB need not be sent if j runs where they are. */
  it("gives a fan-in to the worker that holds the most bytes", () => {
    const { worker } = placed({
      a: { ms: 2000, bytes: 5 * MiB },
      b: { ms: 1000, bytes: 50 * MiB },
      j: { ms: 10, reads: ["a", "b"] }
    })
    expect(worker("a")).not.toBe(worker("b"))
    expect(worker("j")).toBe(worker("b"))
  })

  /** `a → j ← b` with equal bytes: b is done last, so its worker knows without being told. */
  it("gives a fan-in of equal inputs to the worker that can begin first", () => {
    const { worker } = placed({
      a: { ms: 1000 },
      b: { ms: 1500 },
      j: { ms: 10, reads: ["a", "b"] }
    })
    expect(worker("j")).toBe(worker("b"))
  })

  /** The same as two tests above, but a's worker is wanted where the node is done first. */
  it("gives a fan-in to where it is done first, if asked to", () => {
    const nodes = {
      a: { ms: 2000, bytes: 100 },
      b: { ms: 1000, bytes: 200 },
      j: { ms: 10, reads: ["a", "b"] }
    }
    expect(placed(nodes).worker("j")).toBe(placed(nodes).worker("b"))
    const soonest = placed(nodes, { fanIn: "soonest" })
    expect(soonest.worker("j")).toBe(soonest.worker("a"))
  })

  it("has no more workers than it may, even if the limit of each gives way", () => {
    const nodes = { a: { ms: 5000 }, b: { ms: 5000 }, c: { ms: 5000 } }
    expect(placed(nodes, { maxWorkers: 1, tasksPerWorker: 1 }).workers.size).toBe(1)
    expect(placed(nodes, { maxWorkers: 2 }).workers.size).toBe(2)
  })

  it("gives a worker the memory that one of its tasks asks for", () => {
    const { memory } = placed({ a: { ms: 10 }, b: { ms: 10, memory: 4096, reads: ["a"] } })
    expect([memory("a"), memory("b")]).toEqual([4096, 4096])
  })

  it("leaves nodes inside an each flexible", () => {
    const list = task("list", (n: number) => [n])
    const double = task("double", (n: number) => n * 2)
    const { graph } = GraphBuilder.make(
      each(list(1), (n) => double(n)),
      "test"
    )
    const model = Model.make(graph, Predictions.none)
    const { worker } = Search.place(model, { memory: 1769, maxWorkers: 10, tasksPerWorker: 100 })
    const inside = Array.from({ length: graph.size }, (_, id) => id).filter(
      (id) => graph.columns.scopeOf[id] !== 0
    )
    expect(inside.length).toBeGreaterThan(0)
    for (let id = 0; id < graph.size; id++) {
      if (inside.includes(id)) expect(worker[id]).toBe(Assignment.FLEXIBLE)
      else expect(worker[id]).toBeGreaterThanOrEqual(0)
    }
  })
})
