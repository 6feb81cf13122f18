// Any graph, and any bytes in the place of one.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Codec, Flow, Graph, GraphBuilder, GraphCodec, Instance, Nesting } from "../src/index.ts"
import { arbitraryWorkflow } from "./randomGraph.ts"

const graphOf = (build: () => unknown) => GraphBuilder.make(build(), "random").graph

/** Decodes, or tells that it is no graph; anything else is thrown. */
const tryDecode = (data: Uint8Array): Graph.Graph | undefined => {
  try {
    return GraphCodec.decode(data)
  } catch (error) {
    if (error instanceof GraphCodec.InvalidGraph) return undefined
    throw error
  }
}

/** Does with a graph what runs and listings do with one. */
const use = (graph: Graph.Graph) => {
  GraphCodec.signature(graph)
  GraphCodec.encode(graph)
  for (const id of Flow.initial(graph)) expect(graph.need[id]).toBe(0)
  for (let id = 0; id < graph.size; id++) {
    const instance = Instance.make(id, Array(Flow.depth(graph, id)).fill(1))
    expect(graph.label(id)).toBeTypeOf("string")
    graph.options(id)
    const numbers = [
      Flow.readersOf(graph, id),
      ...Flow.releases(graph, instance, 2).map(({ delta }) => delta),
      ...Flow.steps(graph, instance, 2).flatMap(({ delta, need }) => [delta, need])
    ]
    expect(numbers.every(Number.isInteger)).toBe(true)
    const seen = [
      ...Flow.inputs(graph, instance, 2),
      ...Flow.steps(graph, instance, 2).map((step) => step.instance),
      ...Flow.releases(graph, instance, 2).map(({ value }) => value)
    ]
    for (const one of seen) {
      expect(graph.kind(Instance.nodeOf(one))).toBeTypeOf("string")
      expect(Instance.indicesOf(one)).toHaveLength(Flow.depth(graph, Instance.nodeOf(one)))
    }
  }
}

describe("a random graph", () => {
  it("is the same after it was sent", () => {
    fc.assert(
      fc.property(arbitraryWorkflow, (workflow) => {
        const graph = graphOf(workflow.build)
        const decoded = GraphCodec.decode(GraphCodec.encode(graph).bytes)
        expect(decoded).toStrictEqual(graph)
        expect(GraphCodec.signature(decoded)).toBe(GraphCodec.signature(graph))
        use(decoded)
      }),
      { numRuns: 300 }
    )
  })

  it("has the signature of one that was built in the same way", () => {
    fc.assert(
      fc.property(arbitraryWorkflow, ({ build }) => {
        expect(GraphCodec.signature(graphOf(build))).toBe(GraphCodec.signature(graphOf(build)))
      })
    )
  })
})

describe("any bytes", () => {
  it("are a graph or InvalidGraph", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        tryDecode(data)
      }),
      { numRuns: 3000 }
    )
  })

  it("made by changing a graph's are a graph that can be used, or InvalidGraph", () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(10) })
    fc.assert(
      fc.property(
        arbitraryWorkflow,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        ({ build }, changes) => {
          let data = [...GraphCodec.encode(graphOf(build)).bytes]
          for (const { at, cut, to } of changes) {
            const place = at % data.length
            data[place] = to
            if (cut === 0) data = data.toSpliced(place, 1)
          }
          const graph = tryDecode(Uint8Array.from(data))
          if (graph !== undefined) use(graph)
        }
      ),
      { numRuns: 1500 }
    )
  })

  it("made by changing what a graph's say are a graph that can be used, or InvalidGraph", () => {
    let accepted = 0
    fc.assert(
      fc.property(arbitraryWorkflow, fc.array(edit, { minLength: 1, maxLength: 2 }), ({ build }, edits) => {
        const { bytes } = GraphCodec.encode(graphOf(build))
        const changed = edits.reduce((document, apply) => apply(document), Codec.decode(bytes))
        const graph = tryDecode(Codec.encode(written(changed)))
        if (graph === undefined) return
        accepted++
        use(graph)
      }),
      { numRuns: 2000 }
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

/** Changes one number, reference, or list somewhere in a document. */
const edit = fc
  .tuple(fc.nat(), fc.integer({ min: -6, max: 30 }), fc.nat(5))
  .map(([at, to, how]) => (document: unknown) => {
    const places: Array<Nesting.Path> = []
    collectPlaces(document, [], places)
    const target = places[at % places.length]!
    return replace(document, target, (value) => {
      if (value instanceof Graph.Ref) return how === 0 ? to : new Graph.Ref(to)
      if (value instanceof Graph.Const) return new Graph.Const(to)
      if (!Array.isArray(value)) return how === 0 ? String(to) : to
      if (how === 0) return value.slice(1)
      if (how === 1) return value.slice(0, -1)
      if (how === 2) return value.toReversed()
      return [...value, ...(how === 3 ? value.slice(0, 1) : [new Graph.Ref(to)])]
    })
  })

const collectPlaces = (value: unknown, path: Nesting.Path, places: Array<Nesting.Path>) => {
  if (typeof value === "number" || value instanceof Graph.Ref || value instanceof Graph.Const)
    places.push(path)
  if (!Array.isArray(value)) return
  if (path.length > 0) places.push(path)
  for (const [i, item] of value.entries()) collectPlaces(item, [...path, i], places)
}

const replace = (value: unknown, path: Nesting.Path, by: (value: unknown) => unknown): unknown => {
  const [step, ...rest] = path
  if (step === undefined) return by(value)
  return (value as ReadonlyArray<unknown>).map((item, i) => (i === step ? replace(item, rest, by) : item))
}

/** References as the format has them. */
const written = (document: unknown) =>
  Nesting.map(document, {
    leaf: (leaf) =>
      leaf instanceof Graph.Ref
        ? Codec.tagged(leaf.node, 39_520)
        : leaf instanceof Graph.Const
          ? Codec.tagged(leaf.index, 39_521)
          : leaf
  })
