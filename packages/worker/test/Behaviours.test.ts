// Behaviours wrap the stages of nodes that carry their annotation, the first listed outermost.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { AnnotationValue } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import { inline, threads } from "../src/index.ts"
import * as b from "./fixtures/behaviours.ts"
import { add, double, identity, moduleUrl } from "./fixtures/tasks.ts"
import { end, type Settings, value } from "./harness.ts"

const pool = threads({ threads: 2, idleMs: 2 })
const folder = mkdtempSync(join(tmpdir(), "weft-behaviours-"))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await pool.close()
})

let files = 0
const newFile = () => join(folder, String(files++))
const lines = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [])

const on =
  (task: string, ...values: ReadonlyArray<AnnotationValue>): NonNullable<Settings["plan"]> =>
  (graph) => ({
    nodes: new Map(
      Array.from({ length: graph.size }, (_, id) => id)
        .filter((id) => graph.name(id) === task)
        .map((id) => [
          id,
          { annotations: Object.fromEntries(values.map(({ name, value }) => [name, value])) }
        ])
    )
  })

describe.each([
  { name: "inline", engine: inline({ idleMs: 2 }) },
  { name: "threads", engine: pool }
])("on $name", ({ engine }) => {
  const settings = { engine, module: moduleUrl }

  it.each([
    { behaviours: [b.outer, b.inner], order: ["outer", "inner"] },
    { behaviours: [b.inner, b.outer], order: ["inner", "outer"] }
  ])("wraps each stage of a node with two annotations: $order", async ({ behaviours, order }) => {
    const file = newFile()
    const plan = on("double", b.Outer({ file }), b.Inner({ file }))
    expect(await value(add(double(2), 1), { ...settings, behaviours, plan })).toBe(5)
    const [one, two] = order
    expect(lines(file)).toEqual(
      ["inputs", "execute", "publish", "complete"].flatMap((stage) => [
        `double#0 ${stage} ${one} {`,
        `double#0 ${stage} ${two} {`,
        `double#0 ${stage} } ${two}`,
        `double#0 ${stage} } ${one}`
      ])
    )
  })

  it("wraps the hand-off of what is given to other workers", async () => {
    const file = newFile()
    const one = identity(1)
    const plan = on("double", b.Outer({ file }), b.Inner({ file }))
    const behaviours = [b.outer, b.inner]
    expect(
      await value(
        [1, 2, 3].map(() => double(one)),
        { ...settings, behaviours, plan }
      )
    ).toEqual([2, 2, 2])
    const handedOff = lines(file).filter((line) => line.includes("handOff"))
    // One of the three follows in the worker of `identity`.
    expect(handedOff).toHaveLength(8)
    for (const label of new Set(handedOff.map((line) => line.split(" ")[0]))) {
      expect(handedOff.filter((line) => line.startsWith(`${label} `))).toEqual([
        `${label} handOff outer {`,
        `${label} handOff inner {`,
        `${label} handOff } inner`,
        `${label} handOff } outer`
      ])
    }
  })

  it("wraps the beginning and the end of each worker, with the values on the plan", async () => {
    const file = newFile()
    const annotations = Object.fromEntries(
      [b.Whole({ file }), b.Wider({ file })].map(({ name, value }) => [name, value])
    )
    await value(identity(1), {
      ...settings,
      behaviours: [b.wider, b.whole],
      plan: () => ({ annotations, nodes: new Map([[0, { worker: "named" }]]) })
    })
    expect(lines(file)).toEqual([
      "start wider {",
      "start whole {",
      "start } whole",
      "start } wider",
      "stop wider {",
      "stop whole {",
      "stop } whole",
      "stop } wider"
    ])
  })

  it("leaves nodes alone that do not carry the annotation", async () => {
    const file = newFile()
    const behaviours = [b.outer, b.inner]
    const plan = on("identity", b.Outer({ file }))
    expect(await value(double(2), { ...settings, behaviours, plan })).toBe(4)
    expect(lines(file)).toEqual([])
  })

  it("takes annotations from the options of a task too", async () => {
    const behaviours = [b.times]
    expect(await value(double.with({ annotations: [b.Times(10)] })(2), { ...settings, behaviours })).toBe(40)
  })

  it("lets a behaviour change what a node gives", async () => {
    const plan = on("double", b.Times(100))
    expect(await value(add(double(2), 1), { ...settings, behaviours: [b.times], plan })).toBe(401)
  })

  it("lets a behaviour give something instead", async () => {
    const plan = on("double", b.Times(100), b.Instead(7))
    expect(await value(add(double(2), 1), { ...settings, behaviours: [b.times, b.instead], plan })).toBe(701)
    expect(await value(add(double(2), 1), { ...settings, behaviours: [b.instead, b.times], plan })).toBe(8)
  })

  it.each(["fails", "throws"] as const)("ends the run if a behaviour %s", async (way) => {
    const { failures, status } = await end(double(2), {
      ...settings,
      behaviours: [b.breaks],
      plan: on("double", b.Breaks(way))
    })
    expect(status).toBe("failed")
    expect(failures[0]).toMatchObject({
      instance: 0,
      message: expect.stringContaining("the behaviour broke")
    })
  })

  it("refuses a value that the annotation's schema refuses, before anything runs", async () => {
    const plan = () => ({ nodes: new Map([[0, { annotations: { times: "many" } }]]) })
    await expect(end(double(2), { ...settings, behaviours: [b.times], plan })).rejects.toThrow(
      /the annotation "times" on double#0 is not valid/
    )
  })
})

it("says so if a module does not export a behaviour that threads look for", async () => {
  const hidden = { ...b.times, module: moduleUrl }
  const { failures } = await end(double(2), {
    engine: pool,
    module: moduleUrl,
    behaviours: [hidden],
    plan: on("double", b.Times(2))
  })
  expect(failures[0]).toMatchObject({
    kind: "missing",
    message: expect.stringContaining('exports no behaviour for the annotation "times"')
  })
})
