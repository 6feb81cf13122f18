import { describe, expect, it } from "vitest"
import { Nesting } from "../src/index.ts"

class Leaf {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}
const leaf = (name: string) => new Leaf(name)

const same: Nesting.Visitor = { leaf: (value) => value }
const rename: Nesting.Visitor = { leaf: (value) => (value instanceof Leaf ? value.name : value) }

/** The leaves that a traversal comes by, with their paths. */
const leaves = (value: unknown, path?: Nesting.Path) => {
  const found: Array<[path: string, leaf: unknown]> = []
  Nesting.map(
    value,
    {
      leaf: (leaf, at) => {
        found.push([Nesting.formatPath(at), leaf])
        return leaf
      }
    },
    path
  )
  return found
}

const withHoles: Array<unknown> = []
withHoles[1] = 1
withHoles[3] = 2

const caught = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}

describe("map", () => {
  it.each([
    ["a scalar", 5],
    ["NaN", Number.NaN],
    ["undefined", undefined],
    ["null", null],
    ["an array", [1, [2, "a"], null]],
    ["an object", { a: { b: [true] }, c: undefined }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["a Map", new Map<unknown, unknown>([["a", new Map([[{ b: 1 }, [2]]])]])],
    ["an array with holes", withHoles],
    ["leaves that stay", [leaf("a"), { b: leaf("b") }, new Map([[leaf("c"), leaf("d")]])]]
  ])("gives the very same value back if nothing changes: %s", (_, value) => {
    expect(Nesting.map(value, same)).toBe(value)
  })

  it("replaces leaves at any depth", () => {
    expect(Nesting.map(leaf("x"), rename)).toBe("x")
    expect(Nesting.map([1, leaf("a"), { b: [leaf("b")], c: new Map([["k", leaf("c")]]) }], rename)).toEqual([
      1,
      "a",
      { b: ["b"], c: new Map([["k", "c"]]) }
    ])
  })

  it("replaces keys of Maps, and keeps their order", () => {
    const entries = new Map<unknown, unknown>([
      ["first", 1],
      [leaf("second"), leaf("two")],
      [[leaf("third")], 3]
    ])
    expect([...(Nesting.map(entries, rename) as Map<unknown, unknown>)]).toEqual([
      ["first", 1],
      ["second", "two"],
      [["third"], 3]
    ])
  })

  it("copies only what changes", () => {
    const value = { still: { a: [1] }, moving: [leaf("a"), { b: 2 }] }
    const mapped = Nesting.map(value, rename) as typeof value
    expect(mapped).not.toBe(value)
    expect(mapped.still).toBe(value.still)
    expect(mapped.moving[1]).toBe(value.moving[1])
    expect(value.moving[0]).toBeInstanceOf(Leaf)
  })

  it("leaves no trace of what a leaf was replaced by", () => {
    expect(Nesting.map([leaf("a")], { leaf: () => [leaf("b")] })).toEqual([[leaf("b")]])
  })

  it("takes -0 and texts with a byte order mark for leaves, and no other number or text", () => {
    const value = [0, -0, 1.5, Number.NaN, "", "a", "\uFEFFb", { c: -0, d: 0 }]
    expect(leaves(value)).toEqual([
      ["[1]", -0],
      ["[6]", "\uFEFFb"],
      ["[7].c", -0]
    ])
    const mapped = Nesting.map(value, { leaf: (at) => (Object.is(at, -0) ? 0 : at) })
    expect(mapped).toEqual([0, 0, 1.5, Number.NaN, "", "a", "\uFEFFb", { c: 0, d: 0 }])
  })

  it("puts a NaN or an undefined in a leaf's place", () => {
    const value = [leaf("a"), { b: leaf("b") }]
    expect(Nesting.map(value, { leaf: () => Number.NaN })).toEqual([Number.NaN, { b: Number.NaN }])
    expect(Nesting.map(value, { leaf: () => undefined })).toStrictEqual([undefined, { b: undefined }])
  })

  it.each([
    ["an instance of a class", leaf("a")],
    ["a Date", new Date(0)],
    ["a Set", new Set([1])],
    ["bytes", new Uint8Array(1)],
    ["an Error", new Error("a")],
    ["an instance of a subclass of Map", new (class extends Map<string, number> {})([["a", 1]])],
    ["an instance of a subclass of Array", new (class extends Array<number> {})(1, 2)],
    ["a function", () => 1],
    ["a symbol", Symbol("a")],
    ["a bigint", 1n]
  ])("takes %s for a leaf", (_, value) => {
    expect(Nesting.isContainer(value)).toBe(false)
    expect(leaves({ a: value })).toEqual([["a", value]])
  })

  it("does not look at properties that are inherited, hidden, or named by symbols", () => {
    const value = Object.defineProperty({ [Symbol("s")]: leaf("s"), a: 1 }, "hidden", { value: leaf("h") })
    expect(leaves(value)).toEqual([])
  })
})

describe("paths", () => {
  it("lead to each leaf", () => {
    const value = {
      list: [leaf("a")],
      "with space": leaf("b"),
      map: new Map<unknown, unknown>([
        ["k", leaf("c")],
        [{ id: leaf("d") }, leaf("e")],
        [null, leaf("f")],
        [leaf("g"), 1],
        [7, leaf("h")]
      ])
    }
    expect(leaves(value).map(([path, found]) => [path, (found as Leaf).name])).toEqual([
      ["list[0]", "a"],
      ['["with space"]', "b"],
      ["map.k", "c"],
      ['map["<key 1>"]', "e"],
      ['map["<key>"].id', "d"],
      ["map.null", "f"],
      ['map["<key>"]', "g"],
      ['map["7"]', "h"]
    ])
  })

  it("go on from where the value stands", () => {
    expect(leaves([leaf("a")], ["args", 2])).toEqual([["args[2][0]", leaf("a")]])
    expect(leaves(leaf("a"), ["args", 2])).toEqual([["args[2]", leaf("a")]])
  })

  it.each<[Nesting.Path, string]>([
    [[], "the value"],
    [["args", 0, "pixels"], "args[0].pixels"],
    [[0, 1], "[0][1]"],
    [["a", "b c", "d"], 'a["b c"].d'],
    [["", "a"], '[""].a'],
    [["größe", "$x", "_y", "1st"], 'größe.$x._y["1st"]'],
    [['say "hi"'], '["say \\"hi\\""]']
  ])("%j are shown as %s", (path, text) => {
    expect(Nesting.formatPath(path)).toBe(text)
  })

  it("do not change the path that was given", () => {
    const path = ["args"]
    expect(() => Nesting.map({ a: { b: leaf("x") } }, { leaf: () => caught(() => 1) }, path)).toThrow()
    expect(path).toEqual(["args"])
  })

  it("can be told even if a key of a Map cannot be made a text", () => {
    const key = Object.create(Object.create(null))
    expect(leaves(new Map([[key, 1]]))).toEqual([['["<key>"]', key]])
  })
})

describe("kept", () => {
  const kept = (value: unknown) => {
    const found: Array<unknown> = []
    const mapped = Nesting.map(value, {
      ...rename,
      kept: (part) => {
        found.push(part)
        return "kept"
      }
    })
    return { found, mapped }
  }

  it("is called for a whole that stays", () => {
    const value = { a: [1, { b: 2 }] }
    expect(kept(value)).toEqual({ found: [value], mapped: "kept" })
    expect(kept("text")).toEqual({ found: ["text"], mapped: "kept" })
  })

  it("is not called for scalars and leaves", () => {
    expect(kept(5)).toEqual({ found: [], mapped: 5 })
    expect(kept(new Date(0))).toEqual({ found: [], mapped: new Date(0) })
  })

  it("is called for the largest parts that stay beside what changes", () => {
    const value = [leaf("a"), { b: [1] }, [[2], leaf("c")], 5, "text", null]
    expect(kept(value)).toEqual({
      found: [[2], { b: [1] }, "text"],
      mapped: ["a", "kept", ["kept", "c"], 5, "kept", null]
    })
  })

  it("is called inside objects and Maps as well", () => {
    expect(kept({ a: leaf("a"), b: { c: 1 }, d: "text" })).toEqual({
      found: [{ c: 1 }, "text"],
      mapped: { a: "a", b: "kept", d: "kept" }
    })
    const entries = new Map<unknown, unknown>([
      ["a", leaf("a")],
      [leaf("b"), [1]],
      ["c", "text"]
    ])
    expect(kept(entries)).toEqual({
      found: [[1], "text"],
      mapped: new Map([
        ["a", "a"],
        ["b", "kept"],
        ["c", "kept"]
      ])
    })
  })
})

describe("detaches", () => {
  const copy = (value: unknown) => Nesting.map(value, { ...same, detaches: (at) => at instanceof Leaf })

  it("copies the containers around a leaf that stays", () => {
    const a = leaf("a")
    for (const value of [[1, a], { a }, new Map([["a", a]]), new Map([[a, 1]]), [[{ deep: a }]]]) {
      expect(copy(value)).toEqual(value)
      expect(copy(value)).not.toBe(value)
    }
  })

  it("copies nothing else", () => {
    const still = { a: [1] }
    expect((copy([still, leaf("a")]) as ReadonlyArray<unknown>)[0]).toBe(still)
    expect(copy(still)).toBe(still)
  })
})

describe("a nesting that contains itself", () => {
  const array: Array<unknown> = [1]
  array.push(array)
  const object: Record<string, unknown> = { a: { b: 1 } }
  object.c = { d: [object] }
  const map = new Map<unknown, unknown>([["a", 1]])
  map.set("self", { map })
  const key = new Map<unknown, unknown>()
  key.set([key], 1)
  const deep: Record<string, unknown> = {}
  let at = deep
  for (let i = 0; i < 500; i++) at = at.next = {} as Record<string, unknown>
  at.next = at

  it.each([
    ["an array", { x: array }, "x"],
    ["an object", [object], "[0]"],
    ["a Map", { map }, "map"],
    ["a Map's key", [0, key], "[1]"],
    ["something far inside", [deep], `[0]${".next".repeat(500)}`]
  ])("is refused, with the path of what repeats: %s", (_, value, path) => {
    const error = caught(() => Nesting.map(value, same))
    expect(error).toBeInstanceOf(Nesting.CyclicNesting)
    expect((error as Error).message).toBe(`${path} contains itself; cyclic values are not supported`)
  })

  it("is not confused with one that has a part twice", () => {
    const part = { a: [1] }
    const twice = [part, part, { part }]
    expect(Nesting.map(twice, same)).toBe(twice)
  })
})

describe("what cannot be walked", () => {
  const nested = (depth: number) => {
    let value: unknown = 1
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
    return value
  }

  it("is what is more than 1000 deep", () => {
    const deepest = nested(1000)
    expect(Nesting.map(deepest, same)).toBe(deepest)
    const error = caught(() => Nesting.map(nested(1001), same, ["args", 0]))
    expect(error).toBeInstanceOf(Nesting.UnsupportedNesting)
    expect((error as Error).message).toBe("args[0][0] is nested more than 1000 deep; this is not supported")
  })

  it("is what has a property __proto__", () => {
    const error = caught(() => Nesting.map({ a: JSON.parse('{ "__proto__": { "b": 1 } }') }, same))
    expect(error).toBeInstanceOf(Nesting.UnsupportedNesting)
    expect((error as Error).message).toBe("a.__proto__ is a property named __proto__; this is not supported")
  })
})
