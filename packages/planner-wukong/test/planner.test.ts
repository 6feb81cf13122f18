// What the planner decides, on graphs that can be checked by hand. In the drawings, time goes to the right.
import { each, type Graph, GraphBuilder, type Node, Plan, Planner, Predictions } from "@weft/core"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import {
  LARGE_OUTPUT_BYTES,
  Large,
  Schedule,
  scheduleOf,
  schedules,
  type WukongOptions,
  wukong
} from "../src/index.ts"
import { join, make, part, step, sum } from "./fixtures/tasks.ts"

const graphOf = (targets: unknown) => GraphBuilder.make(targets, "test").graph

const planOf = (graph: Graph.Graph, options?: WukongOptions, predictions = Predictions.none) => {
  const plan = Effect.runSync(Planner.run(wukong(options), graph, predictions))
  Plan.check(plan, graph, [Schedule, Large])
  return plan
}

/** What the plan says of nodes by one annotation's name. */
const annotated = (plan: Plan.Plan, { annotation }: { readonly annotation: string }) =>
  Object.fromEntries(
    [...plan.nodes].flatMap(([node, { annotations }]) =>
      annotations?.[annotation] === undefined ? [] : [[node, annotations[annotation]]]
    )
  )

const byTasks = (graph: Graph.Graph) => schedules(graph, (node) => Number(graph.kind(node) === "call"))

const chain = (from: Node<number>, length: number): Node<number> =>
  length === 0 ? from : chain(step(from), length - 1)

describe("static schedules", () => {
  //   0 ─┬─ 1 ─┐
  //      └─ 2 ─┼─ 3
  //   4 ───────┘
  it("are what a search from each leaf meets, depth first", () => {
    const root = step(0)
    const graph = graphOf(sum(step(root), step(root), step(1)))
    // Ids in order of construction: 0 root, 1 and 2 its children, 3 the other leaf, 4 the sum.
    const made = byTasks(graph)
    expect(made.leaves).toEqual([0, 3])
    expect(scheduleOf(graph, made, 0)).toEqual([0, 1, 4, 2])
    expect(scheduleOf(graph, made, 3)).toEqual([3, 4])
    expect([...made.place]).toEqual([0, 1, 3, 4, 2])
  })

  //       ┌─ 1
  //   0 ──┼─ 2 ── 4 ── 5
  //       └─ 3
  it("go the longest way first, which is where the executor goes on itself", () => {
    const root = step(0)
    const targets = [step(root), chain(root, 3), step(root)]
    const graph = graphOf(targets)
    const long = Array.from({ length: graph.size }, (_, id) => id).find(
      (id) => graph.children.start[id + 1]! - graph.children.start[id]! === 1
    )!
    const plan = planOf(graph)
    const places = annotated(plan, Schedule) as Record<number, number>
    // On what follows from the root, and on nothing else.
    expect(Object.keys(places)).toHaveLength(3)
    expect(places[long]).toBe(Math.min(...Object.values(places)))
  })

  it("go by predicted times where these are known", () => {
    const slow = part.with({ hints: { executionMs: 5000 } })
    const quick = part.with({ hints: { executionMs: 1 } })
    const root = make.with({ hints: { executionMs: 1 } })(1, 1)
    const graph = graphOf([quick(root, 1), slow(root, 2)])
    const places = annotated(planOf(graph), Schedule) as Record<number, number>
    expect(places[2]).toBeLessThan(places[1]!)
  })

  it("meet every node of any graph, each after one of what it follows from, and those of leaves cover it", () => {
    fc.assert(
      fc.property(arbitraryWorkflow, ({ build }) => {
        const graph = graphOf(build())
        const made = byTasks(graph)
        const met = [...made.place].filter((place) => place >= 0).sort((a, b) => a - b)
        expect(met).toEqual(met.map((_, i) => i))
        const covered = new Set(made.leaves.flatMap((leaf) => scheduleOf(graph, made, leaf)))
        expect(covered.size).toBe(met.length)
        planOf(graph)
      }),
      { numRuns: 100 }
    )
  })
})

describe("large outputs", () => {
  //   0 ─┬─ 1 ─┐
  //      └─ 2 ─┴─ 3 ─── 4
  it("matter where a fan-out begins, and where a fan-in ends", () => {
    const root = make(10, 1)
    const graph = graphOf(step(sum(part(root, 1), part(root, 2))))
    const large = { fromBytes: LARGE_OUTPUT_BYTES, clustering: true, delayedIo: true }
    expect(annotated(planOf(graph), Large)).toEqual({ 0: large, 1: large, 2: large })
  })

  it("are 200 MB as published, or what the option says", () => {
    expect(LARGE_OUTPUT_BYTES).toBe(200_000_000)
    const graph = graphOf(join(make(1, 1), make(1, 2)))
    const plan = planOf(graph, { largeOutputBytes: 1000, clustering: false })
    expect(annotated(plan, Large)[0]).toEqual({ fromBytes: 1000, clustering: false, delayedIo: true })
    expect(plan.notes.join()).toContain("0.001 MB")
  })

  it("are nothing special if neither is wanted", () => {
    const plan = planOf(graphOf(join(make(1, 1), make(1, 2))), { clustering: false, delayedIo: false })
    expect(annotated(plan, Large)).toEqual({})
  })

  it("of what is in a chain are not asked for", () => {
    expect(planOf(graphOf(chain(step(1), 5))).nodes.size).toBe(0)
  })
})

describe("a plan", () => {
  it("names no worker, and says how many schedules it has and that it had no history", () => {
    const plan = planOf(graphOf(sum(step(0), step(1))))
    expect([...plan.nodes.values()].every(({ worker }) => worker === undefined)).toBe(true)
    expect(plan.notes[0]).toContain("2 static schedules")
    expect(plan.notes.join()).toContain("nothing is known of any task")
    expect(plan.timeline).toEqual([])
  })

  it("has the memory that was asked for, or that a task asks for", () => {
    const graph = graphOf(step.with({ memory: 3000 })(1))
    expect(planOf(graph).memory).toBe(3000)
    expect(planOf(graph, { memory: 512 }).memory).toBe(512)
  })

  it("predicts when nodes run where anything is known", () => {
    const known = step.with({ hints: { executionMs: 100 } })
    const plan = planOf(graphOf(known(known(1))))
    expect(plan.timeline).toHaveLength(2)
    expect(plan.timeline.every(({ endMs, startMs }) => endMs > startMs)).toBe(true)
  })

  it.each<readonly [string, () => unknown]>([
    ["one node", () => step(1)],
    ["values of 0 bytes", () => join(make(0, 1), make(0, 2))],
    ["lists of unknown width only", () => each([1, 2], (n) => each([n], (m) => step(m)))],
    ["an empty list", () => each([] as ReadonlyArray<number>, (n) => step(n))]
  ])("is valid for a graph of %s", (_, build) => {
    planOf(graphOf(build()))
  })

  it.each<readonly [WukongOptions, string]>([
    [{ largeOutputBytes: 0 }, "largeOutputBytes is 0"],
    [{ largeOutputBytes: Number.NaN }, "largeOutputBytes"],
    [{ memory: -1 }, "memory is -1"],
    [{ sla: 1 }, "sla is 1"],
    [{ clustering: "no" as never }, 'clustering is "no"'],
    [{ environment: { concurrency: 0 } }, "environment.concurrency is 0"]
  ])("is refused for options out of range: %o", (options, message) => {
    expect(() => wukong(options)).toThrow(message)
  })
})

it("plans 10,000 nodes with one pass", () => {
  const leaves = Array.from({ length: 5000 }, (_, i) => step(i))
  let level: Array<Node<number>> = leaves
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      sum(...level.slice(2 * i, 2 * i + 2))
    )
  const graph = graphOf(level)
  expect(byTasks(graph).leaves).toHaveLength(5000)
  expect(planOf(graph).nodes.size).toBeGreaterThan(5000)
})
