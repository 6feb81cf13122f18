/**
 * Values as bytes: what travels between workers and lies in stores.
 *
 * The format is CBOR (RFC 8949, through cbor-x) with private tags for what CBOR has no word for, so that a value is
 * the same on the other side as its type says: typed arrays, ArrayBuffer, DataView, Buffer, Map, Set, Date, RegExp,
 * BigInt, Error (name, message, stack, cause and own properties; the classes of the language only), `undefined`, `NaN`
 * and `-0` all survive. Instances of classes survive if the class was registered with {@link register}; other
 * instances, also those of subclasses of Array, Map, Set, Date and so on, functions, symbols, promises and cyclic values
 * are refused by name and path, and so are values more than 1000 deep and properties named `__proto__`. Not kept: shared
 * identity inside a value, holes of sparse arrays (they become `undefined`), properties of arrays that are
 * no elements, symbol keys, null prototypes, and lone surrogates in strings.
 */
import { addExtension, Encoder, Tag } from "cbor-x"
import * as Data from "effect/Data"
import * as Nesting from "./Nesting.ts"

/** A value that cannot be made into bytes: what it is, and where in the value it stands. */
export class Unencodable extends Data.TaggedError("Unencodable")<{
  readonly path: Nesting.Path
  /** What was found there, e.g. `a function (onClick)`. */
  readonly found: string
}> {
  override get message() {
    return `${Nesting.formatPath(this.path)} is ${this.found}, which cannot be stored or sent. ${this.advice}`
  }
  private get advice() {
    return this.found.startsWith("an instance of")
      ? "Register a codec for the class with `codec(Class, { name, encode, decode })`, or pass a plain object."
      : "Pass plain data, and call functions inside a task."
  }
}

/** Whether `error` is how {@link encode} refuses a value: it then has the path, and a message for people. */
export const isRefusal = (
  error: unknown
): error is Unencodable | Nesting.CyclicNesting | Nesting.UnsupportedNesting =>
  error instanceof Unencodable ||
  error instanceof Nesting.CyclicNesting ||
  error instanceof Nesting.UnsupportedNesting

/** Bytes that are not a value of ours: truncated, garbage, or of a class whose codec is not registered here. */
export class Undecodable extends Data.TaggedError("Undecodable")<{ readonly reason: string }> {
  override get message() {
    return `these bytes cannot be decoded: ${this.reason}`
  }
}

/** How instances of a class become data and come back. */
export interface ClassCodec<T, D> {
  /** Names the class in the stored bytes; keep it when the class is renamed. */
  readonly name: string
  readonly encode: (instance: T) => D
  readonly decode: (data: D) => T
}

type AnyClass<T> = abstract new (...args: Array<never>) => T
interface Registered {
  readonly codec: ClassCodec<unknown, unknown>
  readonly type: AnyClass<unknown>
}
const byClass = new Map<unknown, Registered>()
const byName = new Map<string, Registered>()

/**
 * Registers how instances of `type` are encoded, for this process or thread. Call it at the top level of the
 * workflow's module, so that every worker that imports the module knows the class. `encode` may return anything that
 * can itself be encoded. Instances of subclasses are not covered.
 */
export const register = <T, D>(type: AnyClass<T>, codec: ClassCodec<T, D>): void => {
  const other = byName.get(codec.name)
  if (other !== undefined && other.type.name !== type.name) {
    throw new Error(
      `the codec name "${codec.name}" is taken by class ${other.type.name}; choose another for ${type.name}`
    )
  }
  const registered = { codec: codec as ClassCodec<unknown, unknown>, type }
  byClass.set(type, registered)
  byName.set(codec.name, registered)
}

const TAG = {
  negativeZero: 39500,
  bigint: 39501,
  date: 39502,
  set: 39503,
  error: 39504,
  regexp: 39505,
  instance: 39506,
  buffer: 39507,
  arrayBuffer: 39508,
  dataView: 39509,
  float16: 39510,
  markedString: 39511
} as const
/** The numbers that are ours: this version has no word yet for the others of them. */
const OUR_TAGS = { first: 39500, last: 39599 } as const

const builtInErrors = new Map<string, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((e) => [e.name, e])
)
/** What CBOR has tags of its own for. */
const typedArrays = new Set<unknown>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    BigInt64Array,
    BigUint64Array,
    Float32Array,
    Float64Array
  ].map((type) => type.prototype)
)
const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
/** The memory of decoded bytes, which are a copy of their own. */
const bufferOf = (bytes: Uint8Array) => {
  if (bytes instanceof Uint8Array) return bytes.buffer
  throw new Undecodable({ reason: "bytes are expected where there are none" })
}

// Else the decoder would make something of them, and a task would be given that.
for (let tag: number = OUR_TAGS.first; tag <= OUR_TAGS.last; tag++) {
  addExtension({
    tag,
    decode: () => {
      throw new Undecodable({
        reason: `it holds something that this version of weft does not know (tag ${tag}); update weft`
      })
    }
  } as never)
}
addExtension({ tag: TAG.negativeZero, decode: () => -0 } as never)
addExtension({ tag: TAG.bigint, decode: (text: string) => BigInt(text) } as never)
addExtension({ tag: TAG.date, decode: (ms: number) => new Date(ms) } as never)
addExtension({ tag: TAG.set, decode: (items: Array<unknown>) => new Set(items) } as never)
addExtension({
  tag: TAG.regexp,
  decode: ([source, flags]: [string, string]) => new RegExp(source, flags)
} as never)
addExtension({ tag: TAG.buffer, decode: (bytes: Uint8Array) => Buffer.from(bufferOf(bytes)) } as never)
addExtension({ tag: TAG.arrayBuffer, decode: bufferOf } as never)
addExtension({ tag: TAG.dataView, decode: (bytes: Uint8Array) => new DataView(bufferOf(bytes)) } as never)
addExtension({ tag: TAG.float16, decode: (bytes: Uint8Array) => new Float16Array(bufferOf(bytes)) } as never)
// With another character in front: the decoder takes a byte order mark for no part of the text.
addExtension({ tag: TAG.markedString, decode: (text: string) => text.slice(1) } as never)
addExtension({ tag: TAG.error, decode: (data: ErrorData) => errorFromData(data) } as never)
addExtension({
  tag: TAG.instance,
  decode: ([name, data]: [string, unknown]) => {
    const registered = byName.get(name)
    if (registered === undefined) {
      throw new Undecodable({
        reason:
          `it holds an instance of "${name}", and no codec of that name is registered in this process; ` +
          "register it at the top level of the workflow's module"
      })
    }
    try {
      return registered.codec.decode(data)
    } catch (cause) {
      throw new Undecodable({ reason: `the codec "${name}" threw ${String(cause)}` })
    }
  }
} as never)

interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly props: Record<string, unknown>
}

const errorFromData = ({ name, message, props, stack }: ErrorData): Error => {
  const { cause, errors, ...rest } = props
  const options = "cause" in props ? { cause } : undefined
  const isAggregate = name === "AggregateError" && Array.isArray(errors)
  const error = isAggregate
    ? new AggregateError(errors, message, options)
    : new (builtInErrors.get(name) ?? Error)(message, options)
  const hidden = (value: unknown) => ({ value, writable: true, configurable: true, enumerable: false })
  if (error.name !== name) Object.defineProperty(error, "name", hidden(name))
  Object.defineProperty(error, "stack", hidden(stack))
  return Object.assign(error, rest, isAggregate || !("errors" in props) ? undefined : { errors })
}

const propsOf = (error: Error): Record<string, unknown> => ({
  ...error,
  ...(Object.hasOwn(error, "cause") ? { cause: error.cause } : {}),
  ...(error instanceof AggregateError ? { errors: error.errors } : {})
})

const describe = (leaf: unknown): string => {
  if (typeof leaf === "function") return `a function${leaf.name === "" ? "" : ` (${leaf.name})`}`
  if (typeof leaf === "symbol") return `a symbol (${String(leaf)})`
  if (leaf instanceof Promise) return "a promise"
  const name = (Object.getPrototypeOf(leaf) as { constructor?: { name?: string } }).constructor?.name
  return `an instance of ${name ?? "an anonymous class"}`
}

const writeLeaf = (leaf: unknown, path: Nesting.Path): unknown => {
  if (typeof leaf === "bigint") return new Tag(leaf.toString(), TAG.bigint)
  if (typeof leaf === "number") return new Tag(0, TAG.negativeZero)
  if (typeof leaf === "string") return new Tag(`-${leaf}`, TAG.markedString)
  if (typeof leaf !== "object" || leaf === null)
    throw new Unencodable({ path: [...path], found: describe(leaf) })
  if (leaf instanceof Tag) return leaf
  const prototype = Object.getPrototypeOf(leaf) as { readonly constructor?: unknown }
  const registered = byClass.get(prototype.constructor)
  if (registered !== undefined) {
    const data = writeInside(leaf, path, () => registered.codec.encode(leaf))
    return new Tag([registered.codec.name, data], TAG.instance)
  }
  if (leaf instanceof Error) return writeError(leaf, path)
  if (typedArrays.has(prototype)) return leaf
  switch (prototype) {
    case Buffer.prototype:
      return new Tag(bytesOf(leaf as Buffer), TAG.buffer)
    case DataView.prototype:
      return new Tag(bytesOf(leaf as DataView), TAG.dataView)
    case Float16Array.prototype:
      return new Tag(bytesOf(leaf as Float16Array), TAG.float16)
    case ArrayBuffer.prototype:
      return new Tag(new Uint8Array(leaf as ArrayBuffer), TAG.arrayBuffer)
    case Date.prototype:
      return new Tag((leaf as Date).getTime(), TAG.date)
    case Set.prototype:
      return new Tag(
        writeInside(leaf, path, () => [...(leaf as Set<unknown>)]),
        TAG.set
      )
    case RegExp.prototype:
      return new Tag([(leaf as RegExp).source, (leaf as RegExp).flags], TAG.regexp)
    default:
      throw new Unencodable({ path: [...path], found: describe(leaf) })
  }
}

const writeError = (error: Error, path: Nesting.Path) => {
  const { message, name, stack } = error
  const head = Nesting.map({ name, message, stack }, { leaf: writeLeaf }, path) as Record<string, unknown>
  return new Tag({ ...head, props: writeInside(error, path, () => propsOf(error)) }, TAG.error)
}

/** The leaves whose insides are being written, outermost first: `Nesting` sees no cycle that leads through them. */
const within: Array<{ readonly leaf: object; readonly path: Nesting.Path }> = []
const MAX_WITHIN = 200

const writeInside = (leaf: object, path: Nesting.Path, inside: () => unknown): unknown => {
  const itself = within.find((outer) => outer.leaf === leaf)
  if (itself !== undefined) throw new Nesting.CyclicNesting({ path: itself.path })
  if (within.length === MAX_WITHIN) {
    throw new Nesting.UnsupportedNesting({ path: within[0]!.path, problem: "is nested too deep" })
  }
  within.push({ leaf, path: [...path] })
  try {
    return Nesting.map(inside(), { leaf: writeLeaf }, path)
  } finally {
    within.pop()
  }
}

/**
 * Refuses a leaf that {@link encode} would refuse; for callers that walk a nesting themselves.
 *
 * @throws {Unencodable} and what {@link encode} throws besides
 */
export const check = (leaf: unknown, path: Nesting.Path): void => {
  writeLeaf(leaf, path)
}

const encoder = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: true,
  copyBuffers: true
} as never)

/** What cbor-x has and does not declare. */
const scratchEncoder = encoder as unknown as {
  readonly encode: (value: unknown, mode: number) => Buffer
  readonly useBuffer: (scratch: Buffer) => void
}

/** cbor-x: write over the same scratch buffer next time; we copy the bytes out at once. */
const RESET_BUFFER_MODE = 1024

/** A larger scratch buffer is not kept: it would take memory from the tasks for good. */
const SCRATCH_BYTES = 2 ** 24

/** Tags `data` so that a decoder registered with {@link onTag} gets it. For formats built on this codec. */
export const tagged = (data: unknown, tag: number): Tag => new Tag(data, tag)

/** Registers the decoder of a private tag. For formats built on this codec. */
export const onTag = (tag: number, decode: (data: never) => unknown): void =>
  addExtension({ tag, decode } as never)

/**
 * Encodes a value. The bytes are the caller's own: small ones share Node's buffer pool.
 *
 * @param path where the value stands, as the start of the paths in errors
 * @throws {Unencodable} for functions, symbols, promises and instances of unregistered classes
 * @throws {Nesting.CyclicNesting} for a value that contains itself
 * @throws {Nesting.UnsupportedNesting} for a value that is too deep, or has a property named `__proto__`
 */
export const encode = (value: unknown, path: Nesting.Path = []): Uint8Array => {
  const writable = Nesting.map(value, { leaf: writeLeaf }, path)
  const scratch = scratchEncoder.encode(writable, RESET_BUFFER_MODE)
  const bytes = Buffer.from(scratch)
  if (scratch.buffer.byteLength > SCRATCH_BYTES) scratchEncoder.useBuffer(Buffer.allocUnsafeSlow(8192))
  return bytes
}

/**
 * Decodes what {@link encode} made. The value shares no memory with the bytes.
 *
 * @throws {Undecodable} for truncated or foreign bytes, or a class that is not registered here
 */
export const decode = (bytes: Uint8Array): unknown => {
  try {
    // A view of our own: the decoder leaves a property on what it reads.
    return encoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) as Buffer)
  } catch (cause) {
    if (cause instanceof Undecodable) throw cause
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new Undecodable({ reason: `${found} (cut off, damaged, or no value of weft's)` })
  }
}

const packer = new Encoder({ useRecords: true, tagUint8Array: true, copyBuffers: true } as never)

/**
 * Packs plain data for another part of weft, fast and small: objects of one shape name their fields once. Nothing is
 * checked, so this is for messages whose shape is known, not for values of users. The bytes have a buffer of their own.
 */
export const pack = (message: unknown): Uint8Array<ArrayBuffer> =>
  new Uint8Array((packer.encode as (value: unknown, mode: number) => Buffer)(message, RESET_BUFFER_MODE))

/** Unpacks what {@link pack} made. */
export const unpack = (bytes: Uint8Array): unknown =>
  packer.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
