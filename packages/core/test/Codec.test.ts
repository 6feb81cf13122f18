import * as Data from "effect/Data"
import { describe, expect, it } from "vitest"
import { Codec, codec, Nesting } from "../src/index.ts"

const sent = <T>(value: T): T => Codec.decode(Codec.encode(value)) as T

const caught = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}

describe("values that survive", () => {
  it.each([
    ["undefined in an array", [undefined, 1]],
    ["undefined at a property", { a: undefined }],
    ["NaN and infinities", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ["-0 on its own", -0],
    ["-0 at every depth", [-0, { a: -0, b: [[-0]] }, new Map([["a", -0]]), 0]],
    ["the largest and smallest numbers", [2 ** 53, -(2 ** 53), 2 ** 64, 5e-324, 1.7976931348623157e308]],
    [
      "numbers around the sizes of integers",
      [23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -(2 ** 31)]
    ],
    ["BigInts of all sizes", [0n, -1n, 2n ** 63n, -(2n ** 64n), 10n ** 400n, -(10n ** 400n)]],
    [
      "the empty text, long texts, and all of Unicode",
      ["", "ä€𝄞", "x".repeat(100_000), "\0\uFFFF", "e\u0301"]
    ],
    [
      "texts with a byte order mark",
      ["\uFEFF", `\uFEFF${"a".repeat(100)}`, `\uFEFF\uFEFF${"b".repeat(100)}`]
    ],
    ["a Date and an invalid one", [new Date(1.7e12), new Date(-1), new Date(Number.NaN)]],
    [
      "a Map in a Map, with keys of all kinds",
      new Map<unknown, unknown>([
        [new Map([[1, 2]]), { a: 1 }],
        [{ key: 1 }, new Map()],
        [undefined, null],
        [Number.NaN, 1n],
        [new Date(5), [new Map([["a", { b: new Map() }]])]]
      ])
    ],
    ["a Set with anything", new Set<unknown>([1, "1", undefined, { a: 1 }, new Set([new Map([[1, -0]])])])],
    ["regular expressions", [/a+/giu, /[/\\]/]],
    [
      "names of Object's own",
      { constructor: 1, toString: "x", hasOwnProperty: null, valueOf: [], length: 3, name: 2 }
    ],
    ["names like numbers and empty names", { 2: "b", 1: "a", "": 0, "-1": 1 }],
    ["toJSON that is data", { constructor: 1, toJSON: 2 }],
    ["booleans and null", [true, false, null]]
  ])("%s", (_, value) => {
    expect(sent(value)).toStrictEqual(value)
    expect(sent({ a: [value] })).toStrictEqual({ a: [value] })
  })

  it.each([
    Int8Array.of(-1, 2),
    Uint8Array.of(1, 255),
    Uint8ClampedArray.of(1, 255),
    Int16Array.of(-300, 300),
    Uint16Array.of(65_535),
    Int32Array.of(-70_000),
    Uint32Array.of(4_000_000_000),
    BigInt64Array.of(-(2n ** 60n)),
    BigUint64Array.of(2n ** 63n),
    Float16Array.of(0.5, -0, Number.NaN),
    Float32Array.of(0.25, Number.NaN),
    Float64Array.of(0.1, -0, Number.POSITIVE_INFINITY),
    Buffer.from("buffer")
  ])("%o, with its kind, also as part of a larger memory", (array) => {
    const kind = Object.getPrototypeOf(array)
    const decoded = sent({ a: [array] }).a[0]!
    expect(Object.getPrototypeOf(decoded)).toBe(kind)
    expect(decoded).toEqual(array)
    const size = array.BYTES_PER_ELEMENT
    const larger = new Uint8Array(array.byteLength + 3 * size)
    larger.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), size)
    const part = Buffer.isBuffer(array)
      ? Buffer.from(larger.buffer, size, array.length)
      : new (array.constructor as Uint8ArrayConstructor)(larger.buffer, size, array.length)
    expect(sent(part)).toEqual(part)
    expect(sent(part).byteLength).toBe(part.byteLength)
  })

  it("empty typed arrays and memory", () => {
    expect(sent([new Float64Array(0), Buffer.alloc(0)])).toStrictEqual([new Float64Array(0), Buffer.alloc(0)])
    expect(sent(new ArrayBuffer(0)).byteLength).toBe(0)
  })

  it("ArrayBuffer and DataView", () => {
    const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer
    expect(sent({ buffer })).toStrictEqual({ buffer })
    const view = sent(new DataView(buffer, 2, 4))
    expect(view).toBeInstanceOf(DataView)
    expect(view.byteLength).toBe(4)
    expect(view.getUint32(0)).toBe(0x03040506)
  })

  it("typed arrays over shared memory, as memory of their own", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7)
    expect(sent(shared)).toEqual(Uint8Array.of(7, 7, 7))
    expect(sent(shared).buffer).toBeInstanceOf(ArrayBuffer)
  })

  it.each([0, 1, 15, 16, 23, 24, 31, 32, 63, 64, 65, 255, 256, 65_535, 65_536])("%i of anything", (count) => {
    const items = Array.from({ length: count }, (_, i) => i)
    const entries = items.map((i) => [`key ${i}`, i] as const)
    for (const value of [
      items,
      Object.fromEntries(entries),
      new Map(entries),
      new Set(items),
      "ä".repeat(count)
    ])
      expect(sent([value, "end"])).toStrictEqual([value, "end"])
  })

  it("objects without a prototype, as plain objects", () => {
    const bare = Object.assign(Object.create(null), { a: { b: 1 } })
    expect(sent(bare)).toStrictEqual({ a: { b: 1 } })
  })

  it("parts that stand in several places, each on its own", () => {
    const part = { a: 1 }
    const [one, other] = sent([part, part]) as [object, object]
    expect(one).toStrictEqual(other)
    expect(one).not.toBe(other)
  })

  it("holes of arrays, as undefined", () => {
    const holes: Array<unknown> = []
    holes[1] = 1
    expect(sent(holes)).toStrictEqual([undefined, 1])
  })
})

describe("errors", () => {
  it("keep name, message, stack, cause and own properties", () => {
    const cause = { at: new Map([["a", -0]]), why: new RangeError("too far") }
    const error = Object.assign(new TypeError("no", { cause }), { code: "E_NO", list: [1n] })
    const decoded = sent({ error }).error
    expect(decoded).toBeInstanceOf(TypeError)
    expect(decoded.name).toBe("TypeError")
    expect(decoded.message).toBe("no")
    expect(decoded.stack).toBe(error.stack)
    expect(decoded.code).toBe("E_NO")
    expect(decoded.list).toEqual([1n])
    expect(Object.keys(decoded)).toEqual(["code", "list"])
    expect(decoded.cause).toStrictEqual(cause)
    expect((decoded.cause as typeof cause).why).toBeInstanceOf(RangeError)
  })

  it.each([EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error])(
    "of the language keep their class: %o",
    (type) => {
      const decoded = sent(new type("message"))
      expect(Object.getPrototypeOf(decoded)).toBe(type.prototype)
      expect(decoded.message).toBe("message")
    }
  )

  it("of other classes become Errors with their name", () => {
    class NotFound extends Error {
      override readonly name = "NotFound"
      readonly key = "a"
    }
    const decoded = sent(new NotFound("gone"))
    expect(Object.getPrototypeOf(decoded)).toBe(Error.prototype)
    expect(decoded).toMatchObject({ name: "NotFound", message: "gone", key: "a" })
    expect(String(decoded)).toBe("NotFound: gone")
  })

  it("of Effect keep their tag and fields", () => {
    class Lost extends Data.TaggedError("Lost")<{ readonly worker: string }> {
      override get message() {
        return `lost ${this.worker}`
      }
    }
    expect(sent(new Lost({ worker: "w1" }))).toMatchObject({
      _tag: "Lost",
      name: "Lost",
      message: "lost w1",
      worker: "w1"
    })
  })

  it("keep a cause that is undefined, and have none if there is none", () => {
    expect(Object.hasOwn(sent(new Error("a", { cause: undefined })), "cause")).toBe(true)
    expect(Object.hasOwn(sent(new Error("a")), "cause")).toBe(false)
  })

  it("that are aggregates keep their errors", () => {
    const error = new AggregateError([new TypeError("a"), "b"], "all", { cause: 1 })
    const decoded = sent(error)
    expect(decoded).toBeInstanceOf(AggregateError)
    expect(decoded).toMatchObject({ message: "all", cause: 1, errors: [{ message: "a" }, "b"] })
    expect(decoded.errors[0]).toBeInstanceOf(TypeError)
    expect(Object.keys(decoded)).toEqual([])
    class Several extends AggregateError {}
    expect(sent(new Several([1]))).toMatchObject({ errors: [1] })
  })

  it("without a stack stay without", () => {
    const error = new Error("a")
    delete error.stack
    expect(sent(error).stack).toBeUndefined()
  })
})

class Money {
  readonly #cents: bigint
  readonly currency: string
  constructor(cents: bigint, currency: string) {
    this.#cents = cents
    this.currency = currency
  }
  get cents() {
    return this.#cents
  }
}
class Pence extends Money {}
class Basket {
  readonly items: Map<string, Money>
  constructor(items: Map<string, Money>) {
    this.items = items
  }
}
class Sorted extends Array<number> {}
codec(Money, {
  name: "Money",
  encode: (money) => ({ cents: money.cents, currency: money.currency }),
  decode: ({ cents, currency }) => new Money(cents, currency)
})
codec(Basket, { name: "Basket", encode: ({ items }) => items, decode: (items) => new Basket(items) })
codec(Sorted, {
  name: "Sorted",
  encode: (sorted) => [...sorted],
  decode: (items) => Sorted.from(items) as Sorted
})

describe("classes with a codec", () => {
  it("survive at any depth", () => {
    const decoded = sent({
      a: [new Money(5n, "EUR")],
      b: new Map([[new Money(1n, "CHF"), new Set([new Money(2n, "USD")])]])
    })
    expect(decoded.a[0]).toBeInstanceOf(Money)
    expect(decoded.a[0]!.cents).toBe(5n)
    const [[key, value]] = [...decoded.b] as [[Money, Set<Money>]]
    expect([key.cents, key.currency, [...value][0]!.currency]).toEqual([1n, "CHF", "USD"])
  })

  it("may hold others", () => {
    const basket = sent(new Basket(new Map([["tea", new Money(3n, "GBP")]])))
    expect(basket).toBeInstanceOf(Basket)
    expect(basket.items.get("tea")).toBeInstanceOf(Money)
    expect(sent(new Error("no", { cause: basket })).cause).toBeInstanceOf(Basket)
  })

  it("may be subclasses of Array and the like", () => {
    const decoded = sent({ a: Sorted.of(1, 2) })
    expect(decoded.a).toBeInstanceOf(Sorted)
    expect([...decoded.a]).toEqual([1, 2])
  })

  it("do not speak for their subclasses", () => {
    expect(() => Codec.encode([new Pence(1n, "GBP")])).toThrow("[0] is an instance of Pence")
  })

  it("may be registered again, as when a module is loaded twice, but not under a taken name", () => {
    expect(() =>
      codec(Money, {
        name: "Money",
        encode: (money) => ({ cents: money.cents, currency: money.currency }),
        decode: ({ cents, currency }) => new Money(cents, currency)
      })
    ).not.toThrow()
    expect(() =>
      codec(Pence, { name: "Money", encode: () => 1, decode: () => new Pence(1n, "GBP") })
    ).toThrow('the codec name "Money" is taken by class Money; choose another for Pence')
  })

  it("must be registered where they are decoded", () => {
    const bytes = Codec.encode({ a: Codec.tagged(["Elsewhere", {}], 39_506) })
    const error = caught(() => Codec.decode(bytes))
    expect(error).toBeInstanceOf(Codec.Undecodable)
    expect((error as Error).message).toBe(
      'these bytes cannot be decoded: it holds an instance of "Elsewhere", and no codec of that name is registered ' +
        "in this process; register it at the top level of the workflow's module"
    )
  })

  it("whose codec throws make the bytes undecodable", () => {
    class Picky {}
    codec(Picky, {
      name: "Picky",
      encode: () => null,
      decode: (): Picky => {
        throw new RangeError("not today")
      }
    })
    const error = caught(() => sent(new Picky()))
    expect(error).toBeInstanceOf(Codec.Undecodable)
    expect((error as Error).message).toContain("not today")
    expect(sent([1])).toEqual([1])
  })

  it("may use the codec themselves", () => {
    class Packed {
      readonly value: unknown
      constructor(value: unknown) {
        this.value = value
      }
    }
    codec(Packed, {
      name: "Packed",
      encode: ({ value }) => Codec.encode(value),
      decode: (bytes) => new Packed(Codec.decode(bytes))
    })
    const decoded = sent([new Packed({ a: new Packed([new Date(1)]) }), "after"])
    expect(decoded).toEqual([new Packed({ a: new Packed([new Date(1)]) }), "after"])
  })
})

describe("refusals", () => {
  class Plain {}
  function named() {}

  it.each<[string, unknown, string]>([
    ["functions", { onClick: named }, "onClick is a function (named)"],
    ["functions without a name", [() => {}], "[0] is a function"],
    ["classes", { type: Plain }, "type is a function (Plain)"],
    ["symbols", { a: { b: Symbol("s") } }, "a.b is a symbol (Symbol(s))"],
    ["promises", [Promise.resolve(1)], "[0] is a promise"],
    ["instances of classes", new Map([["k", new Plain()]]), "k is an instance of Plain"],
    ["instances in keys of Maps", new Map([[new Plain(), 1]]), '["<key>"] is an instance of Plain'],
    ["instances in Sets", { s: new Set([1, new Plain()]) }, "s[1] is an instance of Plain"],
    [
      "instances in causes",
      [new Error("x", { cause: { by: new Plain() } })],
      "[0].cause.by is an instance of Plain"
    ],
    [
      "instances in errors",
      [Object.assign(new Error("x"), { req: new Plain() })],
      "[0].req is an instance of Plain"
    ],
    ["instances without a class", [Object.create({})], "[0] is an instance of Object"],
    ["boxed values", [Object("text")], "[0] is an instance of String"],
    ["weak collections", { w: new WeakMap() }, "w is an instance of WeakMap"],
    ["shared memory", [new SharedArrayBuffer(1)], "[0] is an instance of SharedArrayBuffer"],
    ["URLs", [new URL("http://a")], "[0] is an instance of URL"],
    ["subclasses of Map", [new (class Lookup extends Map {})()], "[0] is an instance of Lookup"],
    ["subclasses of Array", [new (class Stack extends Array {})()], "[0] is an instance of Stack"],
    ["subclasses of Set", [new (class Bag extends Set {})()], "[0] is an instance of Bag"],
    ["subclasses of Date", [new (class Day extends Date {})()], "[0] is an instance of Day"],
    ["subclasses of typed arrays", [new (class Hash extends Uint8Array {})(1)], "[0] is an instance of Hash"]
  ])("name what and where: %s", (_, value, message) => {
    const error = caught(() => Codec.encode(value))
    expect(error).toBeInstanceOf(Codec.Unencodable)
    expect(Codec.isRefusal(error)).toBe(true)
    expect((error as Error).message).toContain(`${message}, which cannot be stored or sent. `)
    expect(sent({ still: "working" })).toEqual({ still: "working" })
  })

  it("say what to do", () => {
    expect(() => Codec.encode(new Plain())).toThrow("Register a codec for the class")
    expect(() => Codec.encode(named)).toThrow("call functions inside a task")
  })

  it("begin the path where they are told to", () => {
    expect(() => Codec.encode({ a: named }, ["result"])).toThrow("result.a is a function (named)")
    expect(() => Codec.encode(named, ["result"])).toThrow("result is a function (named)")
  })

  const cyclicSet = new Set<unknown>([1])
  cyclicSet.add({ inside: cyclicSet })
  const cyclicError = new Error("x")
  cyclicError.cause = [cyclicError]
  const cyclicBasket = new Basket(new Map())
  cyclicBasket.items.set("self", cyclicBasket as never)
  const cyclicArray: Array<unknown> = []
  cyclicArray.push(new Set([cyclicArray]))

  it.each<[string, unknown, string]>([
    ["a Set", { a: cyclicSet }, "a"],
    ["an Error", [cyclicError], "[0]"],
    ["a class with a codec", [cyclicBasket], "[0]"],
    ["an array through a Set", { a: cyclicArray }, "a[0]"]
  ])("meet cycles of every kind: %s", (_, value, path) => {
    const error = caught(() => Codec.encode(value))
    expect(error).toBeInstanceOf(Nesting.CyclicNesting)
    expect(Codec.isRefusal(error)).toBe(true)
    expect((error as Error).message).toBe(`${path} contains itself; cyclic values are not supported`)
    expect(sent(new Set([1]))).toEqual(new Set([1]))
  })

  it("meet what is too deep", () => {
    let list: unknown = null
    for (let i = 0; i < 5000; i++) list = { next: list }
    expect(() => Codec.encode(list)).toThrow("next is nested more than 1000 deep")
    let sets: unknown = null
    for (let i = 0; i < 5000; i++) sets = new Set([sets])
    expect(() => Codec.encode({ sets })).toThrow("sets is nested too deep")
  })

  it("meet properties named __proto__, which could not come back", () => {
    const value = JSON.parse('{ "a": { "__proto__": { "polluted": true } } }')
    expect(() => Codec.encode(value)).toThrow("a.__proto__ is a property named __proto__")
    expect(() => Codec.encode(Object.assign(new Error("x"), { value }))).toThrow("value.a.__proto__")
  })

  it("are the same in a check of a single leaf", () => {
    expect(() => Codec.check(new Plain(), ["args", 0])).toThrow("args[0] is an instance of Plain")
    expect(() => Codec.check(new Date(), [])).not.toThrow()
  })
})

describe("bytes", () => {
  const value = { a: [1, -0, new Set([2n])], b: new Map([["k", Float64Array.of(1)]]), c: new Error("x") }

  it("that are cut off anywhere are undecodable", () => {
    const bytes = Codec.encode(value)
    for (let length = 0; length < bytes.length; length++)
      expect(caught(() => Codec.decode(bytes.subarray(0, length)))).toBeInstanceOf(Codec.Undecodable)
  })

  it("with something behind them are undecodable", () => {
    expect(() => Codec.decode(Uint8Array.of(...Codec.encode(value), 0))).toThrow(Codec.Undecodable)
  })

  it("that are none are undecodable", () => {
    for (const none of [undefined, null, "text", {}])
      expect(() => Codec.decode(none as unknown as Uint8Array)).toThrow(Codec.Undecodable)
  })

  it("that only a later version has a word for are undecodable", () => {
    const error = caught(() => Codec.decode(Codec.encode([Codec.tagged(1, 39599)])))
    expect(error).toBeInstanceOf(Codec.Undecodable)
    expect((error as Error).message).toContain("(tag 39599); update weft")
  })

  it("stay as they were when they are decoded", () => {
    const bytes = Codec.encode(value)
    const copy = Uint8Array.from(bytes)
    Codec.decode(bytes)
    expect(Uint8Array.from(bytes)).toEqual(copy)
    expect(Object.keys(bytes)).toHaveLength(bytes.length)
  })

  it("stay as they were when other values are encoded", () => {
    const bytes = Codec.encode(value)
    const copy = Uint8Array.from(bytes)
    for (let i = 0; i < 100; i++) Codec.encode({ i, text: "x".repeat(i * 100) })
    expect(Uint8Array.from(bytes)).toEqual(copy)
  })

  it("may be part of a larger memory", () => {
    const bytes = Codec.encode(value)
    const larger = new Uint8Array(bytes.length + 10)
    larger.set(bytes, 5)
    expect(Codec.decode(larger.subarray(5, 5 + bytes.length))).toStrictEqual(value)
  })

  it("share no memory with what is decoded from them", () => {
    const source = [
      Uint8Array.of(1),
      Float64Array.of(1),
      Buffer.from("a"),
      Uint8Array.of(1).buffer,
      new DataView(Uint8Array.of(1).buffer),
      Float16Array.of(1)
    ]
    const bytes = Codec.encode(source)
    const decoded = Codec.decode(bytes) as typeof source
    const memories = decoded.map((part) => (part instanceof ArrayBuffer ? part : part.buffer))
    expect(memories).not.toContain(bytes.buffer)
    expect(new Set(memories).size).toBe(source.length)
    bytes.fill(0)
    expect(decoded).toStrictEqual(source)
  })

  it("are few for small values", () => {
    expect(Codec.encode({ a: 1, b: "xy" }).length).toBe(9)
    expect(Codec.encode(new Uint8Array(1000)).length).toBeLessThan(1010)
  })

  it("of large values are right, and so are those after them", () => {
    const large = new Uint8Array(20_000_000).fill(3)
    expect(Buffer.compare(sent(large), large)).toBe(0)
    expect(sent({ a: "small" })).toEqual({ a: "small" })
  })
})
