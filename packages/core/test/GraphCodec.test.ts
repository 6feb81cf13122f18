import { describe, expect, it } from "vitest"
import { Codec, each, type Graph, GraphBuilder, GraphCodec, type Node, task } from "../src/index.ts"

const inc = task("inc", (n: number) => n + 1)
const dec = task("dec", (n: number) => n - 1)
const any = task("any", (...values: ReadonlyArray<unknown>) => values)
const range = task("range", (n: number) => Array.from({ length: n }, (_, i) => i))

const graphOf = (targets: unknown, name = "coded") => GraphBuilder.make(targets, name).graph
const sent = (graph: Graph.Graph) => GraphCodec.decode(GraphCodec.encode(graph).bytes)

/** One split, 16 chains of 8 filters, one merge. */
const imageShape = () => {
  const split = task("split", (_file: string, parts: number) => range(parts))
  const filters = ["blur", "sharpen", "contrast", "sepia", "invert", "edges", "scale", "frame"].map((name) =>
    task(name, (part: unknown, _options: { readonly strength: number }) => part)
  )
  const merge = task("merge", (parts: ReadonlyArray<unknown>) => parts.length)
  const pick = split("s3://pictures/photograph.png", 16)
  const chains = Array.from({ length: 16 }, () =>
    filters.reduce<Node<unknown>>((part, filter) => filter(part, { strength: 3 }), pick)
  )
  return graphOf(merge(chains), "image-transform")
}

const example = () => {
  const outside = inc.with({ retry: 2, timeout: 50 })(1)
  const list = each(range(3), (n) =>
    each(range(n), (m) => any(m, n, outside, { deep: [new Date(5), "x".repeat(50)] }))
  )
  return graphOf({ list, outside, constant: new Map([["k", -0]]) })
}

describe("a graph that was sent", () => {
  it("is the same", () => {
    for (const graph of [example(), imageShape(), graphOf(5), graphOf([])]) {
      const decoded = sent(graph)
      expect(decoded.columns).toStrictEqual(graph.columns)
      expect(decoded).toStrictEqual(graph)
      expect(GraphCodec.encode(decoded)).toEqual(GraphCodec.encode(graph))
      expect(GraphCodec.signature(decoded)).toBe(GraphCodec.signature(graph))
    }
  })

  it("is small: 130 nodes of an image workflow take no more than 2048 bytes", () => {
    const graph = imageShape()
    expect(graph.size).toBe(130)
    expect(GraphCodec.encode(graph).bytes.length).toBeLessThanOrEqual(2048)
  })

  it("has no code in it", () => {
    const secret = task("visible", () => "the body of the function")
    const text = Buffer.from(GraphCodec.encode(graphOf(secret())).bytes).toString("latin1")
    expect(text).toContain("visible")
    expect(text).not.toContain("the body of the function")
  })
})

describe("constants", () => {
  const large = new Uint8Array(70_000).fill(1)
  const small = "a small constant, and yet no tiny one"

  it("beyond 64 KiB are kept apart", () => {
    const graph = graphOf([any(large, small), any({ large }), any(large.slice())])
    const { bytes, stored } = GraphCodec.encode(graph)
    expect(stored.map(({ index }) => index)).toEqual([0])
    expect(Codec.decode(stored[0]!.bytes)).toEqual(large)
    expect(bytes.length).toBeLessThan(500)
    expect(GraphCodec.decode(bytes).columns.constants).toEqual([{ stored: true }, { value: small }])
  })

  it("are kept apart beyond any other limit that is asked for", () => {
    const graph = graphOf([any(large), any(small)])
    expect(GraphCodec.encode(graph, 0).stored).toHaveLength(2)
    expect(GraphCodec.encode(graph, 100_000).stored).toHaveLength(0)
    const size = Codec.encode(small).length
    expect(GraphCodec.encode(graphOf(any(small)), size).stored).toHaveLength(0)
    expect(GraphCodec.encode(graphOf(any(small)), size - 1).stored).toHaveLength(1)
  })

  it("stay apart when the graph is sent on", () => {
    const received = GraphCodec.decode(GraphCodec.encode(graphOf(any(large))).bytes)
    const { stored } = GraphCodec.encode(received)
    expect(stored).toEqual([])
    expect(sent(received).columns.constants).toEqual([{ stored: true }])
  })

  it("may be undefined", () => {
    const graph = graphOf(any(new Map([["a longer key", undefined]])))
    expect(sent(graph).columns.constants).toStrictEqual([{ value: new Map([["a longer key", undefined]]) }])
  })
})

describe("bytes that are not a graph", () => {
  const { bytes } = GraphCodec.encode(example())
  const reasonFor = (data: Uint8Array) => {
    try {
      GraphCodec.decode(data)
    } catch (error) {
      if (error instanceof GraphCodec.InvalidGraph) return error.message
      throw error
    }
    throw new Error("it was decoded")
  }

  it("are refused with the reason", () => {
    expect(reasonFor(Uint8Array.of(0xff))).toMatch(/^not a graph that this version of weft can read: /)
    for (const value of [null, [], "graph", {}, [1], [1, "name", [], [], [], [], [], []]])
      expect(reasonFor(Codec.encode(value))).toMatch(/^not a graph that this version of weft can read: /)
  })

  it("may be cut off anywhere", () => {
    for (let length = 0; length < bytes.length; length++) reasonFor(bytes.subarray(0, length))
  })

  it("may be of a newer version", () => {
    expect(reasonFor(Codec.encode([2, "whatever comes then"]))).toContain(
      "it has format 2, and this version reads up to 1; update weft"
    )
  })

  // [version, name, tasks, scopes, rows, scope runs, options, constants, targets]
  const ref = (node: unknown) => Codec.tagged(node, 39_520)
  const constant = (index: unknown) => Codec.tagged(index, 39_521)
  // range, each, item, a gate, inc(item, range), collect
  const theRows: ReadonlyArray<unknown> = [
    [0, 3],
    [-1, ref(0)],
    [-2],
    [-4, ref(1), ref(0)],
    [1, ref(2), [ref(0)]],
    [-3, ref(1), ref(4)]
  ]
  const scopeRuns = [
    [2, 0],
    [1, 1],
    [1, 0],
    [1, 1],
    [1, 0]
  ]
  const document = (changes: Partial<Record<number, unknown>>) =>
    Codec.encode(
      [1, "name", [["range"], ["inc"]], [[0, 1, 2]], theRows, scopeRuns, [], [], ref(5)].map((part, i) =>
        i in changes ? changes[i] : part
      )
    )
  const rows = (changes: Partial<Record<number, unknown>>) =>
    document({ 4: theRows.map((row, i) => (i in changes ? changes[i] : row)) })

  it("are told from those that are", () => {
    expect(GraphCodec.decode(document({})).size).toBe(6)
    expect(GraphCodec.decode(rows({})).size).toBe(6)
  })

  it.each<[string, Uint8Array, string]>([
    ["a reference to a later node", rows({ 0: [0, ref(1)] }), "node 1 is referred to, and not before node 0"],
    ["a reference to itself", rows({ 1: [-1, ref(1)] }), "node 1 is referred to, and not before node 1"],
    ["a reference to no number", rows({ 1: [-1, ref(null)] }), "node null is referred to"],
    ["a negative reference", rows({ 1: [-1, ref(-1)] }), "node -1 is referred to"],
    ["half a reference", rows({ 1: [-1, ref(0.5)] }), "node 0.5 is referred to"],
    ["a target that is not there", document({ 8: [ref(6)] }), "node 6 is referred to"],
    ["a target inside an each", document({ 8: ref(4) }), "the result is node 4, which is inside an each"],
    ["a target with no value", document({ 8: ref(1) }), "the result is node 1, which has no value"],
    ["a constant that is not there", rows({ 0: [0, [constant(0)]] }), "constant 0 is not there"],
    ["a target that is no constant", document({ 8: constant(0) }), "constant 0 is not there"],
    ["a row that is none", rows({ 0: "x" }), "node 0 is malformed"],
    ["a row without a code", rows({ 0: [] }), "node 0 is malformed"],
    ["a task that is not there", rows({ 0: [2, 3] }), "node 0 has no task"],
    ["a kind that is not there", rows({ 0: [-5] }), "node 0 has no task"],
    ["scopes for too few nodes", document({ 5: [[5, 0]] }), "its scopes do not fit its nodes"],
    ["scopes for very many nodes", document({ 5: [[2 ** 52, 0]] }), "its scopes do not fit its nodes"],
    [
      "a scope that is not there",
      document({ 5: [...scopeRuns.slice(0, -1), [1, 2]] }),
      "node 5 is in no scope"
    ],
    ["options that are a reference", document({ 6: [[0, ref(0)]] }), "an option of node 0 is a reference"],
    ["a reference for a constant", document({ 7: [[[ref(0)]]] }), "a constant is a reference"],
    ["a scope inside itself", document({ 3: [[1, 1, 2]] }), "scope 1 is not after the one around it"],
    ["a scope that a call opens", document({ 3: [[0, 0, 2]] }), "scope 1 has no node that opens it"],
    ["a scope that nothing opens", document({ 3: [[0, 77]] }), "scope 1 has no node that opens it"],
    ["a scope whose item is a call", document({ 3: [[0, 1, 4]] }), "scope 1 has no item 4"],
    [
      "two scopes of one node",
      document({
        3: [
          [0, 1, 2],
          [0, 1]
        ]
      }),
      "scope 2 has no node that opens it"
    ],
    [
      "a scope that is opened from elsewhere",
      document({
        3: [
          [0, 1, 2],
          [1, 6]
        ],
        4: [...theRows, [-1, ref(0)]],
        5: [...scopeRuns, [1, 0]]
      }),
      "scope 2 has no node that opens it"
    ],
    [
      "a node before the each that it is in",
      document({
        3: [[0, 1]],
        4: [[1], [-1, [1]], [-3, ref(1), ref(0)]],
        5: [
          [1, 1],
          [2, 0]
        ],
        8: ref(2)
      }),
      "node 0 is before its scope"
    ],
    [
      "a collect inside the each that it collects from",
      document({ 5: [...scopeRuns.slice(0, -1), [1, 1]], 8: ref(0) }),
      "node 5 collects nothing"
    ],
    ["no scopes", document({ 3: [] }), "node 1 opens no scope"],
    ["an item of nothing", rows({ 0: [-2] }), "node 0 is nobody's item"],
    ["an item with arguments", rows({ 2: [-2, 1] }), "node 2 is nobody's item"],
    ["an each over two lists", rows({ 1: [-1, ref(0), ref(0)] }), "node 1 opens no scope"],
    ["a collect of nothing", rows({ 5: [-3] }), "node 5 collects nothing"],
    ["a collect from a call", rows({ 5: [-3, ref(0), ref(4)] }), "node 5 collects nothing"],
    ["a collect without its each", rows({ 5: [-3, 1, ref(4)] }), "node 5 collects nothing"],
    ["a gate for nothing", rows({ 3: [-4, ref(1)] }), "node 3 is no gate"],
    ["a gate for a constant", rows({ 3: [-4, ref(1), 5] }), "node 3 is no gate"],
    ["a gate to a call", rows({ 3: [-4, ref(0), ref(0)] }), "node 3 is no gate"],
    ["a gate for a value twice", rows({ 3: [-4, ref(1), ref(0), ref(0)] }), "node 3 is no gate"],
    ["a missing gate", rows({ 3: [0, 3] }), "node 4 uses values from outside an each without a gate"],
    ["a value read from inside an each", rows({ 5: [0, ref(4)] }), "node 5 cannot see node 4"],
    ["a gate that is read", rows({ 5: [-3, ref(1), ref(3)] }), "node 5 reads node 3, which has no value"],
    [
      "a width that is read",
      rows({ 5: [-3, ref(1), [ref(1), ref(4)]] }),
      "node 5 reads node 1, which has no value"
    ],
    ["options of no node", document({ 6: [[6, {}]] }), "there are options of node 6"],
    ["options that are none", document({ 6: [[0, 5]] }), "node 0: the options are 5; they must be an object"],
    ["wrong options", document({ 6: [[0, { retry: 0 }]] }), "node 0: the option retry.attempts is 0"],
    [
      "wrong options of a task",
      document({ 2: [["range", { memory: "1" }], ["inc"]] }),
      "task range: the option memory"
    ],
    ["a task without a name", document({ 2: [[1], ["inc"]] }), "string"]
  ])("may have %s", (_, data, reason) => {
    expect(reasonFor(data)).toContain(reason)
  })

  it("may hold a value that contains itself", () => {
    // CBOR's tags for shared values: a list whose only element is that list.
    const cyclic = Buffer.from("d81c81d81d00", "hex")
    const data = Buffer.from(rows({ 0: [0, "CYCLIC"] }))
    const place = data.indexOf(Buffer.from("66435943", "hex"))
    const changed = Buffer.concat([data.subarray(0, place), cyclic, data.subarray(place + 7)])
    expect(reasonFor(changed)).toContain("contains itself")
  })
})

describe("a signature", () => {
  const signature = (targets: unknown, name?: string) => GraphCodec.signature(graphOf(targets, name))
  const shape = (by: { first?: number; list?: ReadonlyArray<number>; step?: typeof inc }) => {
    const step = by.step ?? inc
    const one = step(by.first ?? 0)
    return { one, list: each(by.list ?? [1, 2], (n) => any(step(n), one)) }
  }

  it("has 32 hexadecimal digits", () => {
    expect(signature(shape({}))).toMatch(/^[0-9a-f]{32}$/)
  })

  it("is the same each time", () => {
    expect(signature(shape({}))).toBe(signature(shape({})))
  })

  it("does not depend on constants, on options, or on the workflow's name", () => {
    const expected = signature(shape({}))
    expect(signature(shape({ first: 99 }))).toBe(expected)
    expect(signature(shape({ list: [1, 2, 3, 4] }))).toBe(expected)
    expect(signature(shape({ step: inc.with({ retry: 5 }) as typeof inc }))).toBe(expected)
    expect(signature(shape({}), "another")).toBe(expected)
    expect(signature(any(new Uint8Array(1000), "x".repeat(1000)))).toBe(signature(any(1, 2)))
  })

  it("depends on the tasks' names", () => {
    expect(signature(shape({ step: dec as typeof inc }))).not.toBe(signature(shape({})))
  })

  it.each<[string, () => unknown, () => unknown]>([
    ["who reads whom", () => [inc(inc(0)), inc(0)], () => [inc(0), inc(0)].map((n) => inc(n))],
    ["the argument that a value goes to", () => any(inc(0), 1), () => any(1, inc(0))],
    ["the order of arguments", () => two((a, b) => any(a, b)), () => two((a, b) => any(b, a))],
    ["how often a value is used", () => two((a) => any(a)), () => two((a) => any(a, a))],
    ["how many arguments there are", () => any(1), () => any(1, 2)],
    ["whether there is an each", () => any([1]), () => each([1], (n) => any(n))],
    ["whether the item is used", () => each([1], () => any(1)), () => each([1], (n) => any(n))],
    [
      "where in nested eaches a call stands",
      () => each(range(2), (n) => [each(range(n), (m) => m), any(1)]),
      () => each(range(2), (n) => [each(range(n), () => any(1)), n])
    ],
    [
      "which of two lists an each goes over",
      () => lists((a, b) => [each(a, (n) => inc(n)), b]),
      () => lists((a, b) => [each(b, (n) => inc(n)), a])
    ],
    ["what is wanted", () => two((a) => [a, any(a)]), () => two((a) => any(a))],
    [
      "where one node ends and the next begins",
      () => {
        const first = any()
        return [first, any(), any(first), any([first, first, first])]
      },
      () => {
        const first = any()
        return [first, any([first, first, first]), any(), any(first)]
      }
    ],
    ["how many nodes there are", () => [inc(0), inc(0)], () => [inc(0), inc(0), inc(0)]]
  ])("depends on %s", (_, one, other) => {
    expect(signature(one())).not.toBe(signature(other()))
  })
  const two = (use: (a: Node<number>, b: Node<number>) => unknown) => use(inc(0), dec(0))
  const lists = (use: (a: Node<Array<number>>, b: Node<Array<number>>) => unknown) => use(range(1), range(2))

  it("of a large graph depends on all of it", () => {
    const chain = (last: typeof inc) => {
      let node = inc(0)
      for (let i = 0; i < 20_000; i++) node = (i === 100 ? last : inc)(node)
      return signature(node)
    }
    expect(chain(inc)).toBe(chain(inc))
    expect(chain(inc)).not.toBe(chain(dec as typeof inc))
  })
})
