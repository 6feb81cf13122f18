import { describe, expect, it } from "vitest"
import { Assignment, Model, Search } from "../src/index.ts"
import { type Surroundings, type World, type Written, world } from "./worlds.ts"

const MiB = 2 ** 20
const CORE = 1769

/** Nothing takes time but the tasks. */
const free: Surroundings = { coldMs: 0, warmMs: 0, invokeMs: 0, callMs: 0 }

const modelOf = (nodes: Readonly<Record<string, Written>>, surroundings?: Surroundings) => {
  const made = world(nodes, surroundings)
  return { ...made, model: Model.make(made.graph, made.predictions) }
}

/** An assignment that is written by hand: the worker of each node. */
const assigned = ({ graph, id }: World, workers: Readonly<Record<string, number>>) => {
  const assignment = Assignment.flexible(graph, CORE)
  for (const [name, worker] of Object.entries(workers)) assignment.worker[id(name)] = worker
  return assignment
}

/** `a (10) → b (100), c (30) → d (10)`. */
const diamond = {
  a: { ms: 10 },
  b: { ms: 100, reads: ["a"] },
  c: { ms: 30, reads: ["a"] },
  d: { ms: 10, reads: ["b", "c"] }
} satisfies Record<string, Written>

describe("slack", () => {
  /** d begins when b is done; c could be done 70 ms later. */
  it("is what a branch is shorter by", () => {
    const { model, ...made } = modelOf(diamond, free)
    const { timeline } = Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 1, d: 0 }))
    const { ms } = Search.slack(model, timeline)
    expect(["a", "b", "c", "d"].map((name) => Math.round(ms[made.id(name)]!))).toEqual([0, 0, 70, 0])
  })

  /** The same with c after b on one worker: whatever is late makes the next late. */
  it("is none on a worker that is always busy", () => {
    const { model, ...made } = modelOf(diamond, free)
    const { timeline } = Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 0, d: 0 }))
    for (const ms of Search.slack(model, timeline).ms) expect(ms).toBeLessThan(Search.NO_SLACK_MS)
  })

  /** `a → e (5)`, wanted by nobody else: it may end with the run. */
  it("lasts until the end of the run for a result that is early", () => {
    const { model, ...made } = modelOf({ ...diamond, e: { ms: 5, reads: ["a"] } }, free)
    const { timeline } = Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 1, d: 0, e: 2 }))
    expect(Search.slack(model, timeline).ms[made.id("e")]).toBeCloseTo(105)
  })
})

describe("lower", () => {
  /** c waits half of its 30 ms: with 512 MiB it takes 66.8 ms, within its 100; with 256 MiB 118. */
  it("gives a worker off the critical path the least that its slack allows", () => {
    const { model, ...made } = modelOf({ ...diamond, c: { ...diamond.c, computing: 0.5 } }, free)
    const from = Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 1, d: 0 }))
    const search = new Search.Search(model, from, 100)
    Search.lower(search)
    const { assignment, timeline } = search.best
    expect(["a", "b", "c", "d"].map((name) => assignment.memory[made.id(name)])).toEqual([
      CORE,
      CORE,
      512,
      CORE
    ])
    expect(timeline.makespanMs).toBeCloseTo(from.timeline.makespanMs)
    expect(timeline.gbSeconds).toBeLessThan(from.timeline.gbSeconds)
  })

  /** Everything waits and computes nothing: memory does not matter. */
  it("takes memory that does not help from the critical path, too", () => {
    const nodes = Object.fromEntries(
      Object.entries(diamond).map(([name, one]) => [name, { ...one, computing: 0 }])
    )
    const { model, ...made } = modelOf(nodes, free)
    const search = new Search.Search(
      model,
      Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 1, d: 0 })),
      100
    )
    Search.lower(search)
    expect([...search.best.assignment.memory]).toEqual([256, 256, 256, 256])
  })

  it("leaves what tasks ask for", () => {
    const { model, ...made } = modelOf({ ...diamond, c: { ...diamond.c, computing: 0, memory: 1024 } }, free)
    const from = Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 1, d: 0 }))
    const search = new Search.Search(model, from, 100)
    Search.lower(search)
    expect(search.best.assignment.memory[made.id("c")]).toBe(1024)
  })
})

describe("preloads", () => {
  const nodes: Record<string, Written> = {
    last: { ms: 3000, bytes: 60 * MiB },
    one: { ms: 500, bytes: 30 * MiB },
    other: { ms: 500, bytes: 30 * MiB },
    join: { ms: 10, reads: ["last", "one", "other"] }
  }

  /**
   * ```
   *    last (3 s) ──┐
   *    one (0.5 s) ─┼→ join
   *    other ───────┘
   * ```
   * What `one` and `other` make lies there for two seconds before join can run, and takes about a second to fetch.
   */
  it("fetches early what is there early, before the last input", () => {
    const { model, ...made } = modelOf(nodes)
    const from = Search.evaluate(model, assigned(made, { last: 0, one: 1, other: 2, join: 0 }))
    const search = new Search.Search(model, from, 100)
    Search.preloads(search)
    expect(
      [...search.best.assignment.preload].flatMap((on, id) => (on === 1 ? [made.graph.name(id)] : []))
    ).toEqual(["join"])
    expect(search.best.timeline.makespanMs).toBeLessThan(from.timeline.makespanMs - 500)
  })

  /** All on one worker: nothing is fetched. */
  it("adds nothing where nothing is remote", () => {
    const { model, ...made } = modelOf(nodes)
    const from = Search.evaluate(model, assigned(made, { last: 0, one: 0, other: 0, join: 0 }))
    const search = new Search.Search(model, from, 100)
    Search.preloads(search)
    expect(search.best).toBe(from)
  })
})

describe("prewarms", () => {
  /**
   * `split (2 s) → left, right (5 s)`: left goes on where split ran; right needs a worker that is invoked when split is done,
   * and finds a warm environment if somebody has started one 350 ms before.
   */
  const nodes: Record<string, Written> = {
    split: { ms: 2000 },
    left: { ms: 5000, reads: ["split"] },
    right: { ms: 5000, reads: ["split"] }
  }

  it("starts what will be needed while the node before runs", () => {
    const { model, ...made } = modelOf(nodes)
    const from = Search.evaluate(model, assigned(made, { split: 0, left: 0, right: 1 }))
    const search = new Search.Search(model, from, 100)
    Search.prewarms(search)
    const { assignment, timeline } = search.best
    expect([...assignment.prewarm.keys()]).toEqual([made.id("split")])
    const [{ afterMs, memory, workers }] = assignment.prewarm.get(made.id("split")) as [
      { afterMs: number; memory: number; workers: number }
    ]
    expect([memory, workers]).toEqual([CORE, 1])
    // Not at once: what is started too early only waits.
    expect(afterMs).toBeGreaterThan(1500)
    expect(afterMs).toBeLessThan(2000)
    expect(timeline.makespanMs).toBeLessThan(from.timeline.makespanMs - 300)
  })

  it("starts nothing where environments are warm", () => {
    const { model, ...made } = modelOf(nodes, { warm: 10 })
    const from = Search.evaluate(model, assigned(made, { split: 0, left: 0, right: 1 }))
    const search = new Search.Search(model, from, 100)
    Search.prewarms(search)
    expect(search.best.assignment.prewarm.size).toBe(0)
  })
})

describe("Search", () => {
  it("keeps what is better only, and ends with its evaluations", () => {
    const { model, ...made } = modelOf(diamond, free)
    const parallel = assigned(made, { a: 0, b: 0, c: 1, d: 0 })
    const search = new Search.Search(
      model,
      Search.evaluate(model, assigned(made, { a: 0, b: 0, c: 0, d: 0 })),
      2
    )
    expect(search.attempt(parallel, Search.isBetter)).toBe(true)
    expect(search.attempt(assigned(made, { a: 0, b: 1, c: 1, d: 0 }), Search.isBetter)).toBe(false)
    expect(search.best.assignment).toBe(parallel)
    expect(search.attempt(parallel, () => true)).toBe(false)
  })

  it("gives a part of the search no more than it may", () => {
    const { model, ...made } = modelOf(diamond, free)
    const from = Search.evaluate(model, assigned(made, {}))
    const search = new Search.Search(model, from, 10)
    search.within(3, () => {
      for (let i = 0; i < 5; i++) search.attempt(from.assignment, Search.isBetter)
    })
    expect(search.left).toBe(7)
  })
})
