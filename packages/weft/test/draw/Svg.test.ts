import { describe, expect, it } from "vitest"
import { draw } from "../../src/draw/Draw.ts"
import * as Svg from "../../src/draw/Svg.ts"
import { book, call, chain, graphOf, image, tree } from "./graphs.ts"

const texts = (svg: string) => Array.from(svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g), ([, text]) => text)

describe("SVG", () => {
  it("shows boxes with their labels and the title", async () => {
    const svg = await draw(graphOf(book(), "book"), "svg")
    expect(texts(svg)).toEqual(expect.arrayContaining(["book", "each", "stop #0", "chapters #1"]))
    expect(svg.match(/class="cluster"/g)).toHaveLength(2)
  })

  it("has a viewBox, and paper of its own", async () => {
    const svg = await draw(graphOf(call("blur")), "svg")
    expect(svg).toMatch(
      /^<svg [^>]*viewBox="0\.00 0\.00 [\d.]+ [\d.]+"[^>]*>\n<rect width="100%" height="100%" rx="10" fill="#ffffff"\/>/
    )
    expect(svg).toMatch(/<\/svg>\n$/)
  })

  it("is drawn for a graph of nothing", async () => {
    expect(texts(await draw(graphOf([], "nothing"), "svg"))).toContain("nothing")
  })

  it("survives odd names, which stay readable", async () => {
    const svg = await draw(graphOf(call("größe/été:日本-1"), 'a <b> & "c" --> d'), "svg")
    expect(texts(svg)).toEqual(
      expect.arrayContaining(["größe/été:日本&#45;1 #0", "a &lt;b&gt; &amp; &quot;c&quot; &#45;&#45;&gt; d"])
    )
  })

  it("is the same each time", async () => {
    const graph = graphOf(image())
    expect(await draw(graph, "svg")).toBe(await draw(graph, "svg"))
  })

  it("is small: less than 1 kB for a box with its arrow", async () => {
    const graph = graphOf(image())
    expect((await draw(graph, "svg")).length).toBeLessThan(1024 * graph.size)
  })

  it.each([
    ["a tree", () => tree(2 ** 16)],
    ["a chain", () => chain(100_000, ["a", "b", "c"])],
    ["an image", () => image(10_000, 8)]
  ])("is drawn within seconds for 100,000 nodes in %s", async (_, target) => {
    const graph = graphOf(target())
    const begin = performance.now()
    expect((await draw(graph, "svg")).length).toBeLessThan(50_000)
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  it("says that Graphviz failed", async () => {
    await expect(Svg.make("digraph {")).rejects.toThrow(Svg.LayoutFailed)
    await expect(Svg.make("digraph {")).rejects.toThrow(
      /^Graphviz could not lay out the picture: syntax error/
    )
  })
})
