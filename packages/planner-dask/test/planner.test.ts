// Which worker runs what. In the drawings time goes to the right; [0] is a worker.
import { Priority, prioritizing } from "@weft/annotations"
import { each, Graph, GraphBuilder, type Node, Plan, Planner, Predictions, type Task, task } from "@weft/core"
import { Search } from "@weft/planning"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { behaviours, type DaskOptions, dask, priorities } from "../src/index.ts"

const MB = 1e6
type Step = Task<ReadonlyArray<number>, number>
const step = (name: string, executionMs: number, outputBytes = 10 * MB): Step =>
  task(name, (...values: ReadonlyArray<number>) => values.length, { hints: { executionMs, outputBytes } })

const load = step("load", 100)
const work = step("work", 100)
const join = step("join", 100)
const empty = step("empty", 0, 0)

const planned = (targets: unknown, options: DaskOptions = {}) => {
  const { graph } = GraphBuilder.make(targets, "test")
  const plan = Effect.runSync(Planner.run(dask({ memory: 1769, ...options }), graph, Predictions.none))
  Plan.check(plan, graph, [Priority])
  /** The workers of all calls of a task, in order of construction. */
  const workers = (name: string) =>
    Array.from({ length: graph.size }, (_, id) => id)
      .filter((id) => graph.name(id) === name)
      .map((id) => Plan.workerOf(plan, id))
  return { graph, plan, workers }
}

const times = <A>(count: number, make: (i: number) => A): Array<A> =>
  Array.from({ length: count }, (_, i) => make(i))

describe("a node that reads values", () => {
  //  load ── work ── work ── work
  it("stays with the worker that holds them", () => {
    const { workers } = planned(work(work(work(load(1)))), { workers: 4 })
    expect(workers("work")).toEqual(times(3, () => workers("load")[0]))
  })

  //  small [0] ─┐
  //             ├─ join      Both are there at the same time; moving the large one takes longer.
  //  large [1] ─┘
  it("goes where more bytes are", () => {
    const small = step("small", 100, MB)
    const large = step("large", 100, 100 * MB)
    const { workers } = planned(join(small(1), large(2)), { workers: 2 })
    expect(workers("small")).not.toEqual(workers("large"))
    expect(workers("join")).toEqual(workers("large"))
  })

  //  small [0] ───────────────┐
  //                           ├─ join      The worker with the large value is busy for 10 s: moving 100 MB takes less.
  //  large [1] ─┬─────────────┘
  //             └─ busy [1]
  it("goes where it can start first, if the worker with more bytes is busy", () => {
    const small = step("small", 150, MB)
    const large = step("large", 100, 100 * MB)
    const busy = step("busy", 10_000)
    const l = large(2)
    const { workers } = planned([join(small(1), l), busy(l)], { workers: 2, workStealing: false })
    expect(workers("busy")).toEqual(workers("large"))
    expect(workers("join")).toEqual(workers("small"))
  })
})

describe("nodes that read nothing", () => {
  it("go to idle workers first", () => {
    expect(
      planned(
        times(4, (i) => load(i)),
        { workers: 4 }
      )
        .workers("load")
        .toSorted()
    ).toEqual(["w0", "w1", "w2", "w3"])
  })

  //  ahead [0]
  //  load [1]   load [1]   load [1]     Three short ones are queued before the long "ahead" is over.
  it("go where less is queued", () => {
    const long = step("ahead", 1000)
    const { workers } = planned([long(0), load(1), load(2), load(3)], { workers: 2, workStealing: false })
    expect(new Set(workers("load")).size).toBe(1)
    expect(workers("load")[0]).not.toEqual(workers("ahead")[0])
  })

  //  load [0] ─┬ join        12 are more than two for each of 4 workers: they come in runs of neighbours, and what reads
  //  load [0] ─┘             two of them finds both.
  //  load [0] ─┬ join
  //  load [1] ─┘
  //  load [1] …
  it("are given out in runs of neighbours if there are many", () => {
    const loads = times(12, (i) => load(i))
    const { workers } = planned(loads, { workers: 4 })
    expect(workers("load")).toEqual(times(12, (i) => `w${Math.floor(i / 3)}`))
    const pairs = times(6, (i) => join(loads[2 * i]!, loads[2 * i + 1]!))
    const three = planned(pairs, { workers: 3 })
    expect(three.workers("load")).toEqual(times(12, (i) => `w${Math.floor(i / 4)}`))
    expect(three.workers("join")).toEqual(times(6, (i) => `w${Math.floor(i / 2)}`))
  })

  it("are given out one by one if each worker has two of them at most", () => {
    const { workers } = planned(
      times(8, (i) => load(i)),
      { workers: 4 }
    )
    expect(workers("load")).toEqual(times(8, (i) => `w${i % 4}`))
  })
})

describe("a fan-out", () => {
  const fan = (width: number, task_: Step) => {
    const root = load(0)
    return times(width, () => task_(root))
  }

  //  load ─┬─ work      More than two for each worker, which read the same: like roots.
  //        ├─ work
  //        …
  it("is spread if it is wide", () => {
    const { workers } = planned(fan(12, work), { workers: 4, workStealing: false })
    expect(times(4, (w) => workers("work").filter((one) => one === `w${w}`).length)).toEqual([3, 3, 3, 3])
  })

  it("stays with its value if it is not, unless others steal from it", () => {
    const long = step("long", 2000)
    const alone = planned(fan(8, long), { workers: 4, workStealing: false })
    expect(new Set(alone.workers("long"))).toEqual(new Set(alone.workers("load")))
    const stolen = planned(fan(8, long), { workers: 4 })
    const counts = times(4, (w) => stolen.workers("long").filter((one) => one === `w${w}`).length)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...counts)).toBeLessThanOrEqual(3)
  })

  it("of short tasks is not stolen from: moving would take longer", () => {
    const short = step("short", 1)
    const { workers } = planned(fan(8, short), { workers: 4 })
    expect(new Set(workers("short"))).toEqual(new Set(workers("load")))
  })
})

describe("the plan", () => {
  it("has the priorities of the ordering, with the names that Dask's collections would give", () => {
    const loads = times(12, (i) => load(i))
    const pairs = times(6, (i) => join(loads[2 * i]!, loads[11 - 2 * i]!))
    const { graph, plan } = planned(work(...pairs))
    const ids = times(graph.size, (id) => id)
    const dependencies = ids.map((id) => Graph.neighbours(graph.parents, id))
    const names = ids.map((id) => `${graph.name(id)}#${String(id).padStart(2, "0")}`)
    expect(ids.map((id) => plan.nodes.get(id)?.annotations?.[Priority.annotation])).toEqual(
      priorities({ names, dependencies })
    )
  })

  it("needs the behaviour of the priorities, and no other", () => {
    expect([dask().annotations, behaviours]).toEqual([[Priority], [prioritizing]])
  })

  it("leaves nodes inside an each to flexible workers: how many there will be is unknown", () => {
    const list = task("list", (n: number) => times(n, (i) => i), { hints: { executionMs: 10, width: 20 } })
    const { graph, plan } = planned(join(...[load(1), work(2)], 3), { workers: 2 })
    expect(times(graph.size, (id) => Plan.workerOf(plan, id))).not.toContain(undefined)
    const inside = planned(
      each(list(20), (n) => work(load(n))),
      { workers: 2 }
    )
    expect([...inside.workers("work"), ...inside.workers("load")]).toEqual([undefined, undefined])
    expect(inside.workers("list")).not.toContain(undefined)
    expect(inside.plan.timeline.length).toBeGreaterThan(0)
  })

  it("says if nothing is known, and is a plan nevertheless", () => {
    const unknown = task("unknown", (...values: ReadonlyArray<number>) => values.length)
    const { plan, workers } = planned(unknown(...times(3, (i) => unknown(i))), { workers: 3 })
    expect(plan.notes[0]).toMatch(/nothing is known of any task, no history and no hints/)
    expect(new Set(workers("unknown")).size).toBe(3)
  })

  it("says when and where nodes are expected to run", () => {
    const { plan } = planned(join(load(1), load(2)), { workers: 2 })
    expect(plan.timeline.map(({ node }) => node)).toEqual([0, 1, 2])
    for (const { endMs, node, startMs, worker } of plan.timeline) {
      expect(endMs - startMs).toBeGreaterThanOrEqual(100)
      expect(worker).toBe(Plan.workerOf(plan, node))
    }
    expect(plan.notes.at(-1)).toMatch(/^predicted \(on average\): \d+ ms/)
  })

  it("expects a worker to run the lowest priority first", () => {
    const loads = times(9, (i) => load(i))
    const { plan } = planned(
      times(3, (i) => join(...[i, i + 3, i + 6].map((at) => loads[at]!))),
      { workers: 1 }
    )
    const started = plan.timeline.toSorted((a, b) => a.startMs - b.startMs)
    const order = started.map(({ node }) => plan.nodes.get(node)?.annotations?.[Priority.annotation])
    expect(order).toEqual(times(12, (i) => i))
  })

  it("gives a worker the memory that the most demanding of its tasks asks for", () => {
    const large = task("large", (n: number) => n, { memory: 4096 })
    const { graph, plan } = planned(large(load(1)), { workers: 1, memory: 512 })
    expect(times(graph.size, (id) => Plan.memoryOf(plan, graph, id))).toEqual([4096, 4096])
  })

  it("chooses a memory size if it is told none", () => {
    const { plan } = planned(work(load(1)), { environment: { memorySizes: [700] }, ...withoutMemory })
    expect(plan.nodes.get(0)?.memory).toBe(700)
  })

  it("has no more workers than can run at the same moment, and says so", () => {
    const { plan, workers } = planned(
      times(9, (i) => load(i)),
      { workers: 5, environment: { concurrency: 2 } }
    )
    expect(new Set(workers("load"))).toEqual(new Set(["w0", "w1"]))
    expect(plan.notes).toContain("5 workers were asked for, and 2 can run at the same moment")
  })

  it.each<readonly [string, () => unknown]>([
    ["nothing", () => "nothing"],
    ["one node", () => load(1)],
    ["values of no bytes that take no time", () => times(9, () => empty(empty(1)))],
    ["an each over an each", () => each(each([1, 2], (n) => load(n)) as Node<Array<number>>, (n) => work(n))]
  ])("of a graph of %s is valid", (_, targets) => {
    expect(planned(targets(), { workers: 2 }).plan.planner).toBe("dask")
  })
})
const withoutMemory = { memory: undefined } as unknown as DaskOptions

describe("options that are out of bounds", () => {
  it.each<readonly [unknown, RegExp]>([
    [{ workers: 0 }, /workers is 0; it must be a whole number from 1/],
    [{ workers: 1.5 }, /workers is 1.5/],
    [{ memory: -1 }, /memory is -1; it must be a whole number of MiB from 1/],
    [{ workStealing: "no" }, /workStealing is no; it must be true or false/],
    [{ sla: 2 }, /sla is 2/],
    [{ environment: { concurrency: 0 } }, /environment.concurrency is 0/]
  ])("%o are refused", (options, message) => {
    expect(() => dask(options as DaskOptions)).toThrow(RangeError)
    expect(() => dask(options as DaskOptions)).toThrow(message)
  })
})

describe("any graph", () => {
  const arbitraryOptions: fc.Arbitrary<DaskOptions> = fc.record({
    workers: fc.integer({ min: 1, max: 5 }),
    workStealing: fc.boolean()
  })

  it("gets a valid plan, the same every time, with numbers that are numbers", () =>
    fc.assert(
      fc.property(arbitraryWorkflow, arbitraryOptions, ({ build }, options) => {
        const targets = build()
        const { graph, plan } = planned(targets, options)
        expect(planned(targets, options).plan).toEqual(plan)
        const priorityOf = (id: number) => plan.nodes.get(id)?.annotations?.[Priority.annotation] as number
        for (let id = 0; id < graph.size; id++) {
          const worker = Plan.workerOf(plan, id)
          expect(worker !== undefined).toBe(Search.isNameable(graph, id))
          if (worker === undefined) continue
          expect(Number(worker.slice(1))).toBeLessThan(options.workers!)
          for (const parent of Graph.neighbours(graph.parents, id))
            if (Plan.workerOf(plan, parent) !== undefined)
              expect(priorityOf(parent)).toBeLessThan(priorityOf(id))
        }
        for (const { endMs, startMs } of plan.timeline) {
          expect(Number.isFinite(startMs) && Number.isFinite(endMs)).toBe(true)
          expect(endMs).toBeGreaterThanOrEqual(startMs)
        }
        expect(plan.notes.join()).not.toMatch(/NaN|Infinity/)
      }),
      { numRuns: 50 }
    ))
})
