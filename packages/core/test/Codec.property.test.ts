// Any value that structured clone supports, and any bytes.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Codec, codec, Nesting } from "../src/index.ts"

class Point {
  readonly x: number
  readonly label: unknown
  constructor(x: number, label: unknown) {
    this.x = x
    this.label = label
  }
}
codec(Point, {
  name: "Point",
  encode: ({ label, x }) => [x, label] as const,
  decode: ([x, label]) => new Point(x, label)
})

const bytes = fc.uint8Array({ maxLength: 20 })
const bigInt = fc.oneof(fc.bigInt(), fc.bigInt({ min: -(2n ** 2000n), max: 2n ** 2000n }))
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.string({ unit: "binary-ascii", minLength: 60, maxLength: 70 }),
  fc.string({ unit: "grapheme", minLength: 15, maxLength: 40 }).map((end) => `\uFEFF${end}`)
)
/** Parts of a larger memory, so that offsets matter. */
const part = <T>(size: number, make: (memory: ArrayBuffer, offset: number, length: number) => T) =>
  fc.tuple(bytes, fc.nat(3)).map(([data, offset]) => {
    const length = Math.floor(data.length / size)
    const memory = new Uint8Array((length + offset + 1) * size)
    memory.set(data.subarray(0, length * size), offset * size)
    return make(memory.buffer, offset * size, length)
  })
const binary = fc.oneof<Array<fc.Arbitrary<unknown>>>(
  part(1, (...at) => new Int8Array(...at)),
  part(1, (...at) => new Uint8Array(...at)),
  part(1, (...at) => new Uint8ClampedArray(...at)),
  part(1, (...at) => Buffer.from(...at)),
  part(1, (...at) => new DataView(...at)),
  part(1, (memory) => memory),
  part(2, (...at) => new Int16Array(...at)),
  part(2, (...at) => new Uint16Array(...at)),
  part(2, (...at) => new Float16Array(...at)),
  part(4, (...at) => new Int32Array(...at)),
  part(4, (...at) => new Uint32Array(...at)),
  part(4, (...at) => new Float32Array(...at)),
  part(8, (...at) => new Float64Array(...at)),
  part(8, (...at) => new BigInt64Array(...at)),
  part(8, (...at) => new BigUint64Array(...at))
)
const key = fc
  .oneof(
    fc.string(),
    fc.constantFrom("constructor", "toString", "hasOwnProperty", "then", "toJSON", "", "0", "-0")
  )
  .filter((name) => name !== "__proto__")
const error = (inside: fc.Arbitrary<unknown>) =>
  fc
    .record({
      type: fc.constantFrom(Error, TypeError, RangeError, SyntaxError, URIError, EvalError, ReferenceError),
      name: fc.option(fc.string(), { nil: undefined }),
      message: fc.string(),
      cause: fc.option(inside, { nil: undefined }),
      props: fc.dictionary(
        key.filter((name) => !["message", "stack", "cause", "errors", "name"].includes(name)),
        inside,
        { maxKeys: 2 }
      )
    })
    .map(({ cause, message, name, props, type }) => {
      const made = new type(message, cause === undefined ? undefined : { cause })
      // An error of another name is of a class that is not the language's, and only Error stays Error.
      if (name !== undefined && type === Error)
        Object.defineProperty(made, "name", { value: name, configurable: true, writable: true })
      return Object.assign(made, props)
    })

const { any } = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small", withCrossShrink: true },
    fc.oneof(
      fc.constantFrom<unknown>(undefined, null, true, false, -0, 0, Number.NaN, Number.POSITIVE_INFINITY),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double(),
      fc.float(),
      text,
      bigInt,
      fc.date({ noInvalidDate: false }),
      fc.constantFrom(/a/, /[^\p{L}]+/giu, /^$/msy),
      binary
    ),
    fc.array(tie("any"), { maxLength: 5 }),
    fc.dictionary(key, tie("any"), { noNullPrototype: true, maxKeys: 5 }),
    fc.array(fc.tuple(tie("any"), tie("any")), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => new Set(items)),
    error(tie("any")),
    fc.tuple(fc.double(), tie("any")).map(([x, label]) => new Point(x, label))
  )
}))

/** Where two values differ, if they do, in anything that a program could tell: order, -0, kinds, hidden properties. */
const difference = (one: unknown, other: unknown, path: ReadonlyArray<string> = []): string | undefined => {
  const at = path.join(".") || "the value"
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null)
    return Object.is(one, other) ? undefined : `${at}: ${String(one)} and ${String(other)}`
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return `${at}: prototypes`
  const inside = (name: string, a: unknown, b: unknown) => difference(a, b, [...path, name])
  if (one instanceof Date) return inside("time", one.getTime(), (other as Date).getTime())
  if (one instanceof RegExp) return inside("source", String(one), String(other))
  if (one instanceof ArrayBuffer) return inside("bytes", hex(one), hex(other as ArrayBuffer))
  if (ArrayBuffer.isView(one)) return inside("bytes", hex(one), hex(other as typeof one))
  if (one instanceof Map) return inside("entries", [...one], [...(other as typeof one)])
  if (one instanceof Set) return inside("items", [...one], [...(other as typeof one)])
  const [names, others] = [one, other].map((object) =>
    Object.getOwnPropertyNames(object).filter(
      (name) => !(one instanceof Error && ["name", "stack"].includes(name))
    )
  )
  const isSameOrder =
    one instanceof Error
      ? [...names!].sort().join() === [...others!].sort().join()
      : names!.join() === others!.join()
  if (!isSameOrder) return `${at}: properties ${names} and ${others}`
  const compared = one instanceof Error ? [...names!, "name", "stack"] : names!
  for (const name of compared) {
    const found = inside(name, one[name as keyof typeof one], other[name as keyof typeof other])
    if (found !== undefined) return found
  }
  return undefined
}
const hex = (memory: ArrayBuffer | ArrayBufferView) =>
  memory instanceof ArrayBuffer
    ? Buffer.from(memory).toString("hex")
    : Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).toString("hex")

/** Decodes, or says that the bytes were undecodable; anything else is thrown. */
const tryDecode = (data: Uint8Array): boolean => {
  try {
    Codec.decode(data)
    return true
  } catch (error) {
    if (error instanceof Codec.Undecodable) return false
    throw error
  }
}

const probe = { a: [-0, new Map([[1, { b: new Set([1n]) }]])], c: "x".repeat(50), d: Float64Array.of(1) }
const worksAsBefore = () => expect(difference(Codec.decode(Codec.encode(probe)), probe)).toBeUndefined()

describe("any value", () => {
  it("comes back as it was, and shares no memory with the bytes", () => {
    fc.assert(
      fc.property(any, (value) => {
        const encoded = Codec.encode(value)
        const decoded = Codec.decode(encoded)
        encoded.fill(0)
        expect(difference(decoded, value)).toBeUndefined()
      }),
      { numRuns: 1000 }
    )
  })

  it("gives the same bytes each time", () => {
    fc.assert(
      fc.property(any, (value) => {
        const encoded = Uint8Array.from(Codec.encode(value))
        expect(Buffer.compare(Codec.encode(Codec.decode(encoded)), encoded)).toBe(0)
      })
    )
  })

  it("is not changed by being encoded", () => {
    fc.assert(
      fc.property(any, (value) => {
        const before = Codec.decode(Codec.encode(value))
        Codec.encode(value)
        expect(difference(value, before)).toBeUndefined()
      })
    )
  })

  it("with something unencodable inside is refused with its path", () => {
    const step = fc.oneof(
      fc
        .nat(5)
        .map((index) => ({ path: `[${index}]`, wrap: (value: unknown) => [...Array(index).fill(0), value] })),
      fc
        .constantFrom("a", "b")
        .map((name) => ({ path: `.${name}`, wrap: (value: unknown) => ({ [name]: value, z: 1 }) })),
      fc
        .constantFrom("k", "l")
        .map((name) => ({ path: `.${name}`, wrap: (value: unknown) => new Map([[name, value]]) })),
      fc.constant({ path: "[1]", wrap: (value: unknown) => new Set([0, value]) }),
      fc.constant({ path: ".cause", wrap: (value: unknown) => new Error("x", { cause: value }) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), any, (steps, beside) => {
        const value = steps.reduceRight<unknown>((inner, { wrap }) => wrap(inner), Symbol("planted"))
        const path = `value${steps.map((step) => step.path).join("")}`
        expect(() => Codec.encode([beside, value], [])).toThrow("planted")
        expect(() => Codec.encode(value, ["value"])).toThrow(`${path} is a symbol (Symbol(planted)), which`)
      })
    )
    worksAsBefore()
  })
})

describe("any bytes", () => {
  it("are decoded or undecodable, and do no harm to what comes after", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        tryDecode(data)
      }),
      { numRuns: 10_000 }
    )
    worksAsBefore()
  })

  it("made by changing a value's are decoded or undecodable", () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), remove: fc.nat(3), insert: bytes })
    fc.assert(
      fc.property(any, fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
        let data = [...Codec.encode(value)]
        for (const { at, insert, remove, to } of changes) {
          const place = at % (data.length + 1)
          data[place] = to
          if (remove > 1) data = [...data.slice(0, place), ...insert, ...data.slice(place + remove)]
        }
        tryDecode(Uint8Array.from(data))
        worksAsBefore()
      }),
      { numRuns: 1500 }
    )
  })

  it("that are a value's, cut off, are undecodable", () => {
    fc.assert(
      fc.property(any, fc.nat(), (value, length) => {
        const data = Codec.encode(value)
        expect(tryDecode(data.subarray(0, length % data.length))).toBe(false)
      }),
      { numRuns: 500 }
    )
  })

  it("that nest deeper than the stack are undecodable", () => {
    expect(tryDecode(new Uint8Array(1_000_000).fill(0x81))).toBe(false)
    worksAsBefore()
  })

  it("that name a size beyond their end take no memory for it", () => {
    for (const head of [0x5a, 0x7a, 0x9a, 0xba])
      expect(tryDecode(Uint8Array.of(head, 0xff, 0xff, 0xff, 0xff, 1))).toBe(false)
  })
})

it("a random value is no cycle for Nesting either", () => {
  fc.assert(
    fc.property(any, (value) => {
      expect(Nesting.map(value, { leaf: (leaf) => leaf })).toBe(value)
    })
  )
})
