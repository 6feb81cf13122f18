import { each, Graph } from "@weft/core"
import { describe, expect, it } from "vitest"
import * as Drawing from "../../src/draw/Drawing.ts"
import { book, call, chain, graphOf, image, tree } from "./graphs.ts"

/** A drawing in short: labels, arrows as "from > to", and what each cluster contains. */
const short = (drawing: Drawing.Drawing) => {
  const label = (box: number) => {
    const { kind, label } = drawing.boxes[box]!
    return kind === "call" ? label : kind
  }
  return {
    boxes: drawing.boxes.map((_, index) => label(index)),
    arrows: drawing.arrows.map(
      ({ count, data, from, to }) =>
        `${label(from)} ${data ? ">" : "then"} ${label(to)}${count === 1 ? "" : `: ${count}`}`
    ),
    clusters: drawing.clusters.map(({ label: title, parent }, cluster) => ({
      title,
      parent,
      boxes: drawing.boxes.flatMap((box, index) => (box.cluster === cluster ? [label(index)] : []))
    }))
  }
}

/** Ids depend on the gates that a graph has. */
const withoutIds = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll(/ #\d+/g, ""))

describe("a small graph", () => {
  it("has a box for each call, and an arrow for each value that is read", () => {
    const source = call("load")
    const drawing = Drawing.make(graphOf(call("merge", call("blur", source), { source })), 200)
    expect(short(drawing)).toEqual({
      boxes: ["load #0", "blur #1", "merge #2"],
      arrows: ["load #0 > blur #1", "load #0 > merge #2", "blur #1 > merge #2"],
      clusters: []
    })
    expect(drawing.title).toBe("test")
    expect(drawing.summary).toBe("3 nodes · 3 tasks · 1 target (bold outline)")
    expect(drawing.boxes.map(({ target }) => target)).toEqual([false, false, true])
    expect(drawing.boxes.map(({ task }) => task)).toEqual([0, 1, 2])
  })

  it("may be a single node, or none at all", () => {
    expect(short(Drawing.make(graphOf(call("blur")), 200)).boxes).toEqual(["blur #0"])
    const none = Drawing.make(graphOf([1, 2]), 200)
    expect(none).toMatchObject({ summary: "0 nodes · 0 tasks", boxes: [], arrows: [], clusters: [] })
  })

  it("goes from left to right if that fits on a page, and also if it is wide", () => {
    expect(Drawing.make(graphOf(image()), 200).direction).toBe("LR")
    expect(Drawing.make(graphOf(image(100, 1)), 1000).direction).toBe("LR")
    expect(Drawing.make(graphOf(chain(5, ["step"])), 200).direction).toBe("LR")
    expect(Drawing.make(graphOf(chain(50, ["step"])), 200).direction).toBe("TB")
  })
})

describe("each", () => {
  it("is a cluster around its body, without gates and items, also inside another", () => {
    const drawing = Drawing.make(graphOf(book()), 200)
    expect(withoutIds(short(drawing))).toEqual({
      boxes: "stop,chapters,expand,words,expand,count,collect,sum,collect,sum".split(","),
      arrows: [
        "chapters > expand",
        "expand > words",
        "words > expand",
        "stop > count",
        "expand > count",
        "count > collect",
        "collect > sum",
        "sum > collect",
        "collect > sum"
      ],
      clusters: [
        { title: "each", parent: -1, boxes: ["expand", "words", "sum", "collect"] },
        { title: "each", parent: 0, boxes: ["expand", "count", "collect"] }
      ]
    })
  })

  it("over an each goes on in the same cluster", () => {
    const cleaned = each(call("chapters"), (chapter) => call("clean", chapter))
    const counts = each(cleaned, (text) => call("count", text))
    expect(short(Drawing.make(graphOf([counts, cleaned]), 200))).toMatchObject({
      arrows: [
        "chapters #0 > expand",
        "expand > clean #3",
        "clean #3 > collect",
        "clean #3 > count #5",
        "count #5 > collect"
      ],
      clusters: [{ boxes: ["expand", "clean #3", "collect", "count #5", "collect"] }]
    })
  })

  it("keeps a body that does not use its element behind its beginning", () => {
    const unused = each([1, 2], () => call("roll"))
    const same = each([1, 2], (element) => element)
    const constant = each([1, 2], () => 5)
    expect(short(Drawing.make(graphOf({ unused, same, constant }), 200)).arrows).toEqual([
      "expand then roll #1",
      "roll #1 > collect",
      "expand > collect",
      "expand then collect"
    ])
  })
})

describe("grouping", () => {
  it("gives calls of one task at one level a box, with the arrows counted", () => {
    expect(short(Drawing.make(graphOf(image(16, 2)), 20))).toEqual({
      boxes: ["load #0", "tile × 16", "filter0 × 16", "filter1 × 16", "merge #49"],
      arrows: [
        "load #0 > tile × 16: 16",
        "tile × 16 > filter0 × 16: 16",
        "filter0 × 16 > filter1 × 16: 16",
        "filter1 × 16 > merge #49: 16"
      ],
      clusters: []
    })
  })

  it("keeps the rounds of a tree apart", () => {
    const drawing = Drawing.make(graphOf(tree(1024)), 200)
    expect(short(drawing).boxes.slice(0, 3)).toEqual(["load × 1,024", "add × 512", "add × 256"])
    expect(drawing.boxes).toHaveLength(11)
    expect(drawing.boxes.at(-1)).toMatchObject({ label: "add #2046", target: true })
  })

  it("falls back to the task alone where there are many levels", () => {
    expect(short(Drawing.make(graphOf(chain(1000, ["step"])), 200))).toMatchObject({
      boxes: ["step × 1,000"],
      arrows: ["step × 1,000 > step × 1,000: 999"]
    })
    expect(short(Drawing.make(graphOf(chain(1000, ["a", "b"])), 200))).toMatchObject({
      boxes: ["a × 500", "b × 500"],
      arrows: ["a × 500 > b × 500: 500", "b × 500 > a × 500: 499"]
    })
  })

  it("lets bodies of the same tasks share a cluster, and others not", () => {
    const lists = Array.from({ length: 60 }, (_, index) => call("split", index))
    const bodies = lists.map((list, index) =>
      each(list, (element) => call(index < 50 ? "blur" : "sharpen", element))
    )
    const drawing = Drawing.make(graphOf(bodies), 200)
    expect(short(drawing).clusters).toEqual([
      { title: "each × 50", parent: -1, boxes: ["expand", "blur × 50", "collect"] },
      { title: "each × 10", parent: -1, boxes: ["expand", "sharpen × 10", "collect"] }
    ])
    expect(drawing.boxes.filter(({ target }) => target)).toHaveLength(2)
  })

  it("gives up clusters rather than show more boxes than the limit", () => {
    const bodies = Array.from({ length: 100 }, (_, index) =>
      each([index], (element) => call(`task${index}`, element))
    )
    const { boxes, clusters } = Drawing.make(graphOf(bodies), 150)
    expect([boxes.length, clusters.length]).toEqual([102, 0])
  })

  it("groups a tangle of arrows, though its boxes are few", () => {
    const sources = Array.from({ length: 50 }, (_, index) => call("load", index))
    const readers = Array.from({ length: 50 }, () => call("join", sources))
    expect(short(Drawing.make(graphOf(readers), 200))).toMatchObject({
      boxes: ["load × 50", "join × 50"],
      arrows: ["load × 50 > join × 50: 2500"]
    })
  })

  it("shows the heaviest arrows of a tangle that cannot be grouped, and says so", () => {
    const nodes: Array<ReturnType<typeof call>> = []
    for (let i = 0; i < 2000; i++) nodes.push(call(`task${(i * i) % 41}`, nodes.slice(-9)))
    const { arrows, summary } = Drawing.make(graphOf(nodes), 200)
    expect(arrows).toHaveLength(150)
    expect(summary).toContain("the heaviest 150 of 297 arrows")
  })

  it("can be asked for, however few the nodes are", () => {
    expect(short(Drawing.make(graphOf(tree(4)), 200, "level")).boxes).toEqual([
      "load × 4",
      "add × 2",
      "add #6"
    ])
  })

  it("is never done without a limit", () => {
    const graph = graphOf(tree(1024))
    const { arrows, boxes } = Drawing.make(graph, Number.POSITIVE_INFINITY)
    expect([boxes.length, arrows.length]).toEqual([graph.size, graph.inputs.list.length])
    expect(graph).toBeInstanceOf(Graph.Graph)
  })
})
