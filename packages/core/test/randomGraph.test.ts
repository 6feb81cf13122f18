import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Graph, GraphBuilder, GraphCodec, isTask, Nesting } from "../src/index.ts"
import * as randomGraph from "./randomGraph.ts"

const { arbitraryWorkflow } = randomGraph

/** What one may want to find in a graph. */
const features: Readonly<Record<string, (graph: Graph.Graph, expected: unknown) => boolean>> = {
  "no node at all": ({ size }) => size === 0,
  "a chain of three calls": (graph) => ids(graph).some((id) => longest(graph, id) >= 3),
  "a diamond": (graph) =>
    ids(graph).some((id) => {
      const parents = callsRead(graph, id).map((input) => callsRead(graph, input))
      return parents.some((one, i) =>
        parents.some((other, k) => i < k && one.some((at) => other.includes(at)))
      )
    }),
  "a value read twice in one call": (graph) =>
    ids(graph).some((id) => refs(graph, id).length > new Set(refs(graph, id)).size),
  "a value deep inside an argument": ({ columns }) =>
    columns.args.some((row) => row.some((arg) => Nesting.isContainer(arg) && refsIn(arg).length > 0)),
  "several targets": ({ targets }) => targets.size > 1,
  "shared constants": ({ columns }) => columns.constants.length > 0,
  "nodes of each kind": (graph) => {
    const kinds = Array.from({ length: graph.size }, (_, id) => graph.kind(id))
    return new Set(kinds).size === 5
  },
  "an each inside an each inside an each": (graph) => depths(graph).includes(3),
  "an each over an each": (graph) => overs(graph).some((over, i, all) => all.indexOf(over) !== i),
  "an each over an each, inside an each": (graph) =>
    overs(graph).some((over, i, all) => all.indexOf(over) !== i && graph.columns.scopes[over]!.parent !== 0),
  "an each that returns several nodes of its body": (graph) =>
    collects(graph).some((id) => graph.gathered(id) > 1),
  "an each whose body has no nodes": (graph) => collects(graph).some((id) => graph.gathered(id) === 0),
  "a value used from two eaches further in": (graph) =>
    gates(graph).some(
      ([opens, ...values]) =>
        graph.columns.scopeOf[opens!.node] !== 0 &&
        values.some(({ node }) => graph.columns.scopeOf[node] === 0)
    ),
  "an empty list": (_, expected) => hasEmptyList(expected)
}

const refsIn = (nesting: unknown) => {
  const found: Array<number> = []
  Graph.references(nesting, (node) => found.push(node))
  return found
}
const refs = (graph: Graph.Graph, id: number) => refsIn(graph.columns.args[id])
const callsRead = (graph: Graph.Graph, id: number) =>
  [...new Set(refs(graph, id))].filter((input) => graph.kind(input) === "call")
const longest = (graph: Graph.Graph, id: number): number =>
  graph.kind(id) === "call"
    ? 1 + Math.max(0, ...callsRead(graph, id).map((input) => longest(graph, input)))
    : 0
const collects = (graph: Graph.Graph) => ids(graph).filter((id) => graph.kind(id) === "collect")
const overs = (graph: Graph.Graph) => collects(graph).map((id) => graph.over(id))
const gates = (graph: Graph.Graph) =>
  ids(graph)
    .filter((id) => graph.kind(id) === "gate")
    .map((id) => graph.columns.args[id] as ReadonlyArray<Graph.Ref>)
const ids = (graph: Graph.Graph) => Array.from({ length: graph.size }, (_, id) => id)
const depths = ({ columns: { scopes } }: Graph.Graph) => {
  const depth = (scope: number): number => (scope === 0 ? 0 : 1 + depth(scopes[scope]!.parent))
  return scopes.map((_, scope) => depth(scope))
}
const hasEmptyList = (value: unknown): boolean =>
  Array.isArray(value) && (value.length === 0 || value.some(hasEmptyList))

describe("arbitraryWorkflow", () => {
  const made = fc.sample(arbitraryWorkflow, { numRuns: 500, seed: 1 }).map(({ build, expected }) => ({
    graph: GraphBuilder.make(build(), "random").graph,
    expected
  }))

  it.each(Object.entries(features))("often has %s", (_, has) => {
    expect(made.filter(({ expected, graph }) => has(graph, expected)).length).toBeGreaterThan(10)
  })

  it("builds the same graph each time", () => {
    fc.assert(
      fc.property(arbitraryWorkflow, ({ build }) => {
        const [one, other] = [build(), build()].map((targets) => GraphBuilder.make(targets, "random").graph)
        expect(GraphCodec.encode(one!)).toEqual(GraphCodec.encode(other!))
      })
    )
  })

  it("uses tasks that its module exports under their names only", () => {
    const exported = Object.entries(randomGraph).filter(([, value]) => isTask(value))
    expect(exported.map(([name, value]) => [name, (value as { name: string }).name])).toEqual(
      exported.map(([name]) => [name, name])
    )
    const used = new Set(made.flatMap(({ graph }) => graph.columns.tasks.map(({ name }) => name)))
    expect([...used].sort()).toEqual(exported.map(([name]) => name).sort())
  })
})
