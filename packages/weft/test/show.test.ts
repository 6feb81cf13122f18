// A plan against what became of it.
import { GraphBuilder, GraphCodec, Plan, task } from "@weft/core"
import type { Facts, NodeFact, WorkerFact } from "@weft/metrics"
import { describe, expect, it } from "vitest"
import { recordOf } from "../../storage/test/records.ts"
import { showLines } from "../src/cli/ShowText.ts"
import { plain } from "../src/cli/Style.ts"
import * as Comparison from "../src/show/Comparison.ts"
import { svg } from "../src/show/Gantt.ts"
import { merged, planned, real } from "../src/show/Rows.ts"

const load = task("load", (name: string) => name.length)
const add = task("add", (a: number, b: number) => a + b)
const { graph } = GraphBuilder.make(add(load("a"), load("b")), "pictures")

const node = (instance: number, worker: number, startedMs: number, executionMs: number): NodeFact => ({
  instance,
  worker,
  attempt: 1,
  startedMs,
  inputsMs: 5,
  executionMs,
  processorMs: undefined,
  publishMs: 1,
  inputBytes: 0,
  readBytes: 0,
  preloadedBytes: instance === 2 ? 2000 : 0,
  preloadedMs: instance === 2 ? 7 : 0,
  outputBytes: 0,
  writtenBytes: 0,
  tries: 1
})
const life = (worker: string, beganMs: number, endedMs: number, cold: boolean): WorkerFact => ({
  worker,
  named: true,
  memory: 1024,
  invokedMs: 0,
  beganMs,
  endedMs,
  cold,
  loadMs: 2,
  roundTrips: 1,
  callsMs: [],
  invokesMs: [],
  prewarmed: 0,
  bytesRead: 0,
  bytesWritten: 0
})
/**
 *     w1  ..load#0(20)..............add#2(30)    ends at 226 ms
 *     w2  (cold, 100 ms) load#1(80)
 */
const facts: Facts = {
  run: "r-1",
  workflow: "pictures",
  signature: "s",
  planner: "p",
  engine: "lambda",
  status: "succeeded",
  begunAt: 0,
  makespanMs: 230,
  nodes: [node(0, 0, 12, 20), node(1, 1, 102, 80), node(2, 0, 190, 30)],
  workers: [life("w1", 10, 240, false), life("w2", 100, 200, true)],
  widths: [],
  taskOf: (id) => graph.task(id)?.name
}
const record = recordOf("r-1", 0, {
  workflow: "pictures",
  planner: "p",
  engine: "lambda",
  makespanMs: 230,
  instances: 3
})
const timeline = [
  { node: 0, worker: "w1", startMs: 10, endMs: 36 },
  { node: 1, worker: "w2", startMs: 20, endMs: 46 },
  { node: 2, worker: "w1", startMs: 50, endMs: 86 }
]
const shown = (plan: Partial<Plan.Plan>) =>
  Comparison.read({
    facts,
    plan: Plan.encode(Plan.make("p", plan)),
    graph: GraphCodec.encode(graph, 0).bytes
  })

describe("the comparison", () => {
  const comparison = Comparison.make(shown({ timeline }), record)

  it("follows what decided the makespan, and says what the time went to", () => {
    expect(comparison.critical).toEqual({
      nodes: ["load#1", "add#2"],
      coldMs: 102,
      startMs: 0,
      inputsMs: 10,
      executionMs: 110,
      publishMs: 2,
      unexplainedMs: 6
    })
  })

  it("lays each task, worker and node beside its plan", () => {
    expect(comparison.plannedMs).toBe(86)
    expect(comparison.tasks).toMatchObject([
      { task: "load", calls: 2, plannedMs: 26, meanMs: 56, longestMs: 86 },
      { task: "add", calls: 1, plannedMs: 36, meanMs: 36 }
    ])
    expect(comparison.workers).toMatchObject([
      { worker: "w1", startMs: 12, nodes: 2, busyMs: 62, plannedMs: 62, waitingMs: 166 },
      { worker: "w2", startMs: 102, cold: true, nodes: 1, busyMs: 86, plannedMs: 26, waitingMs: 12 }
    ])
    expect(comparison.deviations[0]).toEqual({ node: "load#1", worker: "w2", plannedMs: 26, realMs: 86 })
    expect(comparison).toMatchObject({ coldStarts: 1, preloaded: { bytes: 2000, ms: 7 } })
  })

  it("is told in tables", () => {
    const text = showLines(comparison, plain).join("\n")
    expect(text).toContain("pictures r-1 succeeded: makespan 230 ms, planned 86 ms (2.7 ×)")
    expect(text).toContain("preload had 2 kB ready ahead, which took 7 ms meanwhile")
    expect(text).toMatch(/cold starts +102 ms +44 %/)
    expect(text).toMatch(/load +2 +26 ms +56 ms +86 ms +2\.2 ×/)
    expect(text).toMatch(/w2 +1,024 MiB +102 ms +cold +1 +86 ms +26 ms +12 ms/)
  })

  it("says so if nothing was predicted", () => {
    const alone = Comparison.make(shown({}), record)
    const text = showLines(alone, plain).join("\n")
    expect(text).toContain("makespan 230 ms\n")
    expect(text).toContain("the plan has no timeline: what happened is shown alone")
  })
})

describe("the picture", { timeout: 120_000 }, () => {
  const picture = (plan: Partial<Plan.Plan>) => {
    const recorded = shown(plan)
    const critical = new Set(recorded.path.map(({ fact }) => fact))
    return svg({ ...recorded, critical, title: "title & numbers", subtitle: "more" })
  }

  it("has planned above real, and what is told apart", async () => {
    const text = await picture({ timeline })
    expect(text).toMatch(/^<svg /)
    for (const word of [
      "title &amp; numbers",
      "planned",
      "real",
      "cold start",
      "critical path",
      "load#1",
      "w2"
    ])
      expect(text).toContain(word)
    expect(text.indexOf(">planned<")).toBeLessThan(text.indexOf(">real<"))
  })

  it("shows what happened alone if nothing was predicted", async () => {
    const text = await picture({})
    expect(text).toContain(">real<")
    expect(text).not.toContain(">planned<")
  })

  it("leaves out the rows with the least work, but none of the critical path", () => {
    const { facts, nameOf, path, plan } = shown({ timeline })
    const critical = new Set(path.map(({ fact }) => fact))
    const rows = real(facts, critical, nameOf, 1)
    expect(rows).toMatchObject({ labels: ["w2"], hidden: 1 })
    expect(planned(plan, nameOf, 100)?.labels).toEqual(["w1", "w2"])
  })

  it("merges what is too short to be told apart", () => {
    const bar = (fromMs: number, toMs: number) =>
      ({ row: 0, kind: "execution", fromMs, toMs, critical: false }) as const
    expect(merged([bar(0, 1), bar(1, 2), bar(2, 50), bar(90, 91)], 5)).toMatchObject([
      { fromMs: 0, toMs: 2 },
      { fromMs: 2, toMs: 50 },
      { fromMs: 90, toMs: 91 }
    ])
  })
})
