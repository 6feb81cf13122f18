import { Graph } from "@weft/core"
import { describe, expect, it } from "vitest"
import { draw } from "../../src/draw/Draw.ts"
import { book, call, graphOf, tree } from "./graphs.ts"

describe("Mermaid", () => {
  it("is one statement a line", async () => {
    expect(await draw(graphOf(call("sum", call("count")), "two"), "mermaid")).toBe(`---
title: "two · 2 nodes · 2 tasks · 1 target (bold outline)"
---
flowchart LR
  n0("count #0"):::task0
  n1("sum #1"):::task1
  n0 --> n1
  classDef task0 fill:#77aadd,stroke:#00000040,color:#1f2328
  classDef task1 fill:#eedd88,stroke:#00000040,color:#1f2328
  classDef target stroke:#656d76,stroke-width:4px
  class n1 target
`)
  })

  it("is only a title for a graph of nothing", async () => {
    expect(await draw(graphOf([]), "mermaid")).toBe(
      '---\ntitle: "test · 0 nodes · 0 tasks"\n---\nflowchart LR\n'
    )
  })

  it("has subgraphs inside subgraphs", async () => {
    const lines = (await draw(graphOf(book()), "mermaid")).split("\n")
    const nesting = lines.filter((line) => /^ *(subgraph .*|end)$/.test(line))
    expect(nesting).toEqual(['  subgraph s0["each"]', '    subgraph s1["each"]', "    end", "  end"])
    expect(lines).toContain("  class s0,s1 each")
  })

  it("labels arrows between groups with their number", async () => {
    const text = await draw(graphOf(tree(1024)), "mermaid")
    expect(text).toContain('  n0("load × 1,024"):::task0\n')
    expect(text).toContain("  n0 -->|1,024| n1\n")
  })

  it("writes what Mermaid would read as a code of its own, or as HTML, in codes", async () => {
    const { columns } = graphOf(call("plain"))
    const name = 'a "b" <i>c</i> & #35; \\n `d`'
    const text = await draw(new Graph.Graph({ ...columns, name, tasks: [{ name, options: {} }] }), "mermaid")
    expect(text).toContain('n0("a #34;b#34; #60;i#62;c#60;/i#62; #38; #35;35; #92;n #96;d#96; #0"):::task0')
    expect(JSON.parse(/^title: (.*)$/m.exec(text)![1]!)).toMatch(name)
  })
})
