import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { GraphBuilder, isWorkflow, task, workflow } from "../src/index.ts"
import { evaluate } from "./evaluate.ts"

const inc = task("inc", (n: number) => n + 1)

describe("workflow", () => {
  it.each([
    ["file:///home/me/text-analysis.ts", "text-analysis"],
    ["file:///home/me/a%20name.test.mts", "a name.test"],
    ["file:///home/me/no-extension", "no-extension"],
    ["file:///C:/me/dag.ts?v=2", "dag"]
  ])("at %s is named %s", (url, name) => {
    expect(workflow({ url }, () => inc(1)).name).toBe(name)
  })

  it("may have another name", () => {
    expect(workflow(import.meta, () => inc(1), { name: "counting" }).name).toBe("counting")
  })

  it("knows its module and its input's schema", () => {
    const input = Schema.toStandardSchemaV1(Schema.Finite)
    const made = workflow(import.meta, (n: number) => inc(n), { input })
    expect(made.module).toBe(import.meta.url)
    expect(made.input).toBe(input)
    expect(workflow(import.meta, () => 1).input).toBeUndefined()
  })

  it("builds nothing before it is asked, and builds anew for each input", async () => {
    let builds = 0
    const made = workflow(import.meta, (n: number) => {
      builds++
      return inc(n)
    })
    expect(builds).toBe(0)
    const values = [1, 2].map((n) => {
      const { graph, tasks } = GraphBuilder.make(made.build(n), made.name)
      return evaluate(graph, tasks)
    })
    expect(await Promise.all(values)).toEqual([2, 3])
    expect(builds).toBe(2)
  })

  it("is told apart from other values", () => {
    expect(isWorkflow(workflow(import.meta, () => 1))).toBe(true)
    for (const other of [inc, inc(1), {}, null, undefined, () => 1]) expect(isWorkflow(other)).toBe(false)
  })
})
