import { GraphBuilder, task } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Durations } from "../src/Durations.ts"

const quick = task("quick", (value: number) => value)
const slow = task("slow", (value: number) => value)
const add = task("add", (a: number, b: number) => a + b)

/** Durations of a graph in which each task's first node took as long as `ms` says. */
const durations = (targets: unknown, ms: Readonly<Record<string, number>>) => {
  const { graph } = GraphBuilder.make(targets, "test")
  const made = new Durations(graph)
  for (let id = 0; id < graph.size; id++) {
    const took = ms[graph.name(id)]
    if (took !== undefined) made.ran(id, took)
  }
  return made
}

describe("chainMs", () => {
  it("is the mean of what was seen, with all that follows", () => {
    expect(durations(quick(quick(1)), { quick: 2 }).chainMs(0)).toBe(4)
    expect(durations(slow(quick(1)), { quick: 2, slow: 50 }).chainMs(0)).toBe(52)
  })

  it("is unknown if anything that follows is", () => {
    expect(durations(slow(quick(1)), { quick: 2 }).chainMs(0)).toBe(Number.POSITIVE_INFINITY)
  })

  it("counts what has several parents for each of them in part", () => {
    const sum = add(quick(1), quick(2))
    expect(durations(sum, { quick: 1, add: 8 }).chainMs(0)).toBe(5)
  })

  it("follows what is seen", () => {
    const made = durations(slow(quick(1)), { quick: 2 })
    expect(made.chainMs(0)).toBe(Number.POSITIVE_INFINITY)
    made.ran(1, 50)
    expect(made.chainMs(0)).toBe(52)
    for (let i = 0; i < 10; i++) made.ran(1, 500)
    expect(made.chainMs(0)).toBeGreaterThan(300)
  })

  it("manages chains that are longer than the stack is deep", () => {
    let at = quick(1)
    for (let i = 1; i < 100_000; i++) at = quick(at)
    expect(durations(at, { quick: 1 }).chainMs(0)).toBe(100_000)
  })
})

describe("what others have seen", () => {
  it("is known here, too", () => {
    const there = durations(slow(quick(1)), { quick: 2, slow: 50 })
    const here = durations(slow(quick(1)), {})
    here.heard(there.seen())
    expect(here.chainMs(0)).toBe(52)
    expect(here.seen()).toEqual(there.seen())
  })

  it("does not replace what was seen more often here", () => {
    const here = durations([quick(1), quick(2)], { quick: 4 })
    here.heard(durations(quick(1), { quick: 100 }).seen())
    expect(here.chainMs(0)).toBe(4)
  })

  it("is passed over if it is of tasks that are not in the graph", () => {
    const here = durations(quick(1), { quick: 4 })
    here.heard([[7, 10, 10]])
    expect(here.seen()).toEqual([[0, 1, 4]])
  })
})
