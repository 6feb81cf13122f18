import { instance } from "@viz-js/viz"
import { Graph } from "@weft/core"
import { describe, expect, it } from "vitest"
import { draw } from "../../src/draw/Draw.ts"
import { book, call, graphOf, image, tree } from "./graphs.ts"

interface Parsed {
  readonly objects?: ReadonlyArray<Record<string, unknown>>
  readonly edges?: ReadonlyArray<Record<string, unknown>>
}

/** What Graphviz reads in the text. */
const parse = async (dot: string) => (await instance()).renderJSON(dot) as Parsed & Record<string, unknown>

/** A graph whose one task and whose name are not what a task or a file may be called, as after decoding. */
const oddly = (name: string) => {
  const { columns } = graphOf(call("plain"))
  return new Graph.Graph({ ...columns, name, tasks: [{ name, options: {} }] })
}

describe("DOT", () => {
  it("names boxes as people know them", async () => {
    const dot = await draw(graphOf(call("sum", call("count"))), "dot")
    expect(dot).toContain('  "count #0" -> "sum #1"\n')
    expect(dot).toMatch(/^digraph "test" \{\n {2}graph \[rankdir="LR"/)
  })

  it.each(["a.b/c:d-e", "größe", "日本語", "данные"])("keeps the task's name %s", async (name) => {
    const { objects } = await parse(await draw(graphOf(call(name)), "dot"))
    expect(objects).toMatchObject([{ name: `${name} #0` }])
  })

  it.each(['"', "\\", "\\N", "a&amp;b", "a -> b", "<b>", "]>", "// x", "}"])(
    "survives %j in names",
    async (name) => {
      const dot = await draw(oddly(name), "dot")
      const { label, objects } = await parse(dot)
      expect(objects).toHaveLength(1)
      expect(label).toContain(name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"))
    }
  )

  it("has a title on one line", async () => {
    expect((await parse(await draw(graphOf([], "a\n\u0000b"), "dot"))).label).toContain("<B>a b</B>")
    expect((await parse(await draw(graphOf([], ""), "dot"))).label).toContain("<B>workflow</B>")
  })

  it("has clusters inside clusters", async () => {
    const { objects } = await parse(await draw(graphOf(book()), "dot"))
    const clusters = objects!.filter(({ name }) => String(name).startsWith("cluster"))
    expect(clusters).toMatchObject([{ label: "each", subgraphs: [expect.any(Number)] }, { label: "each" }])
  })

  it("labels arrows between groups with their number", async () => {
    const { edges, objects } = await parse(await draw(graphOf(tree(8)), "dot", { group: true }))
    expect(objects!.map(({ label }) => label)).toEqual(["load × 8", "add × 4", "add × 2", "\\N"])
    expect(edges!.map(({ label }) => label)).toEqual(["8", "4", "2"])
  })

  it("gives each task one colour", async () => {
    const { objects } = await parse(await draw(graphOf(image(3, 2)), "dot"))
    const colours = Map.groupBy(objects!, ({ fillcolor }) => fillcolor)
    expect([...colours.values()].map((boxes) => boxes.length)).toEqual([1, 3, 3, 3, 1])
  })

  it("keeps the order of arguments where that crosses no arrows", async () => {
    const dot = await draw(graphOf(tree(4)), "dot")
    expect(dot.match(/ordering="in"/g)).toHaveLength(3)
    const shared = call("load")
    expect(await draw(graphOf([call("a", shared, call("b")), call("c", shared)]), "dot")).not.toContain(
      "ordering"
    )
  })
})

describe("the number of boxes", () => {
  it("is limited to 200, or to what is asked for", async () => {
    const graph = graphOf(image(16, 16))
    expect(await draw(graph, "dot")).toContain("tile × 16")
    expect(await draw(graph, "dot", { group: 300 })).not.toContain("×")
    expect(await draw(graph, "dot", { group: false })).not.toContain("×")
    expect(await draw(graphOf(image(2, 1)), "dot")).not.toContain("×")
    expect(await draw(graphOf(image(2, 1)), "dot", { group: true })).toContain("tile × 2")
    expect(await draw(graphOf(image(2, 1)), "dot", { group: 4 })).toContain("tile × 2")
  })
})
