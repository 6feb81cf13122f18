import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Graph, GraphBuilder } from "@weft/core"
import { describe, expect, it } from "vitest"
import type { Node } from "weft"
import * as traceTasks from "../src/traceTasks.ts"
import { expected, InvalidTrace, type Replay, read, replay, scaled, timeFor } from "../src/wfcommons.ts"

const load = (file: string) => readFileSync(join(import.meta.dirname, "..", "traces", `${file}.json`), "utf8")
const replays = traceTasks as unknown as Record<string, Replay<Node<Uint8Array>>>

// Figures of the traces' own page: tasks, edges, sum of runtimes in s, produced MB.
const traces = [
  { file: "blast-chameleon-small-001", calls: 43, tasks: 4, edges: 120, seconds: 383, makespan: 1279 },
  {
    file: "epigenomics-chameleon-hep-1seq-100k-001",
    calls: 41,
    tasks: 8,
    edges: 48,
    seconds: 539,
    makespan: 594
  },
  { file: "montage-chameleon-2mass-005d-001", calls: 58, tasks: 8, edges: 114, seconds: 222, makespan: 1060 },
  {
    file: "soykb-chameleon-10fastq-10ch-001",
    calls: 96,
    tasks: 14,
    edges: 194,
    seconds: 11815,
    makespan: 9323
  }
]

describe.each(traces)("$file", ({ calls, edges, file, makespan, seconds, tasks }) => {
  const trace = read(load(file))

  it("is read with all its calls, tasks and edges", () => {
    expect(trace.calls.length).toBe(calls)
    expect(expected(trace).size).toBe(tasks)
    expect(trace.calls.reduce((sum, { parents }) => sum + parents.length, 0)).toBe(edges)
    expect(Math.round(trace.calls.reduce((sum, { executionMs }) => sum + executionMs / 1000, 0))).toBe(
      seconds
    )
    expect(Math.round(trace.makespanMs / 1000)).toBe(makespan)
    for (const [id, { outputBytes, parents }] of trace.calls.entries()) {
      expect(outputBytes).toBeGreaterThanOrEqual(0)
      for (const parent of parents) expect(parent).toBeLessThan(id)
    }
    expect(trace.calls.some(({ outputBytes }) => outputBytes > 0)).toBe(true)
  })

  it("becomes a graph with the same edges, as long as is asked for", () => {
    const short = scaled(trace, { time: timeFor(trace, 2000), bytes: 0.01 })
    const { graph } = GraphBuilder.make(replay(short, replays, 1000), trace.name)
    expect(graph.size).toBe(calls)
    expect(graph.inputs.list.length).toBe(edges)
    expect(Math.round(short.calls.reduce((sum, { executionMs }) => sum + executionMs, 0))).toBe(2000)
    const names = new Set(Array.from({ length: graph.size }, (_, id) => graph.name(id)))
    expect(names).toEqual(new Set(expected(trace).keys()))
    expect(Graph.neighbours(graph.inputs, 0)).toEqual([])
  })
})

describe("a trace", () => {
  const make = (change: (document: Record<string, never>) => void) => {
    const document = JSON.parse(load("blast-chameleon-small-001"))
    change(document)
    return JSON.stringify(document)
  }
  const tasks = (document: Record<string, never>) =>
    (
      document as unknown as {
        workflow: { specification: { tasks: Array<{ id: string; parents: Array<string> }> } }
      }
    ).workflow.specification.tasks

  it.each<readonly [string, () => string, RegExp]>([
    ["no JSON", () => "{", /not a trace in WfFormat 1.5/],
    [
      "another version",
      () => make((document) => Object.assign(document, { schemaVersion: "9" })),
      /schemaVersion/
    ],
    ["an unknown parent", () => make((document) => tasks(document)[0]!.parents.push("x")), /the parent x/],
    [
      "a circle",
      () => make((document) => tasks(document)[0]!.parents.push(tasks(document)[1]!.id)),
      /depend on each other in a circle/
    ],
    [
      "a task that was not executed",
      () => make((document) => tasks(document).push({ ...tasks(document)[0]!, id: "new" })),
      /there is no execution of new/
    ]
  ])("with %s is refused", (_, json, message) => {
    expect(() => read(json())).toThrow(InvalidTrace)
    expect(() => read(json())).toThrow(message)
  })

  it("whose tasks nobody replays is refused", () => {
    expect(() => replay(read(load("montage-chameleon-2mass-005d-001")), {}, 1)).toThrow(
      /no task replays "mProject"/
    )
  })
})
