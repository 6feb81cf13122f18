// Instances of graphs with lists, against what `Flow` makes of the same graph.
import { Flow, Graph, GraphBuilder, Instance, type InstanceId } from "@weft/core"
import fc from "fast-check"
import { expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { Unrolled } from "../src/index.ts"

/** How long a list is that a node opens: as long wherever it is. */
const widthOf = (seed: number) => (expand: number) => (expand * 7 + seed) % 4

/** The instance's id, by its number. */
const idOf = (unrolled: Unrolled.Unrolled, at: number): InstanceId => {
  const { graph, widths } = unrolled
  const node = unrolled.node[at]!
  const indices: Array<number> = []
  let rest = at - unrolled.first[node]!
  for (let scope = graph.columns.scopeOf[node]!; scope !== 0; scope = graph.columns.scopes[scope]!.parent) {
    indices.unshift(rest % widths[scope]!)
    rest = Math.floor(rest / widths[scope]!)
  }
  return Instance.make(node, indices)
}

/** How many completions each instance waits for, by following all steps from the beginning. */
const byFlow = (graph: Graph.Graph, width: (expand: number) => number) => {
  const waits = new Map<InstanceId, number>()
  const parents = new Map<InstanceId, Array<InstanceId>>()
  const open: Array<InstanceId> = Flow.initial(graph)
  for (const instance of open) {
    const node = Instance.nodeOf(instance)
    const gate = () => (graph.columns.args[node]![0] as Graph.Ref).node
    const kind = graph.kind(node)
    const length = kind === "expand" ? width(node) : kind === "gate" ? width(gate()) : 0
    for (const { delta, instance: child, need } of Flow.steps(graph, instance, length)) {
      const left = (waits.get(child) ?? need) + delta
      waits.set(child, left)
      parents.set(child, [...(parents.get(child) ?? []), instance])
      if (left === 0) open.push(child)
    }
  }
  return { instances: open, parents }
}

it("has the instances that a run has, and each waits for what it waits for", () => {
  fc.assert(
    fc.property(arbitraryWorkflow, fc.nat(3), ({ build }, seed) => {
      const { graph } = GraphBuilder.make(build(), "random")
      const width = widthOf(seed)
      const unrolled = Unrolled.make(graph, width)
      const { instances, parents } = byFlow(graph, width)
      const ids = Array.from({ length: unrolled.size }, (_, at) => at).filter(
        (at) => graph.kind(unrolled.node[at]!) !== "item"
      )
      expect(new Set(ids.map((at) => idOf(unrolled, at)))).toEqual(new Set(instances))
      for (const at of ids) {
        const own = Graph.neighbours(unrolled.parents, at).map((parent) => idOf(unrolled, parent))
        expect(new Set(own)).toEqual(new Set(parents.get(idOf(unrolled, at)) ?? []))
        for (const child of Graph.neighbours(unrolled.children, at))
          expect(Graph.neighbours(unrolled.parents, child)).toContain(at)
      }
    }),
    { numRuns: 150 }
  )
})

it("lengths that are no numbers, or beyond all measure, are counted as what can be", () => {
  fc.assert(
    fc.property(
      arbitraryWorkflow,
      fc.constantFrom(Number.NaN, -5, 1e300, Number.POSITIVE_INFINITY, 0.4),
      ({ build }, width) => {
        const { graph } = GraphBuilder.make(build(), "random")
        const { size } = Unrolled.make(graph, (expand) => (expand % 2 === 0 ? width : 2))
        expect(size).toBeGreaterThanOrEqual(0)
        expect(size).toBeLessThan(2_100_000)
      }
    ),
    { numRuns: 12 }
  )
})
