/**
 * The one traversal of nested arguments and values.
 *
 * A `Node<T>` may stand anywhere a `T` may, at any depth of arrays, tuples, plain objects and Maps. Everything that
 * has to look into such nestings goes through {@link map}: building (find the nodes), encoding (replace what CBOR
 * cannot say), resolving (put values where references stand) and drawing.
 *
 * Containers are arrays, plain objects (prototype `Object.prototype` or `null`) and Maps (keys and values), but not
 * instances of their subclasses. Strings, booleans, `null`, `undefined` and numbers are scalars and stay as they are,
 * except for `-0` and strings with a byte order mark in front, which CBOR would change. All else is a *leaf*. What does
 * not change is not copied: if no leaf is replaced, the very same object comes back.
 */
import * as Data from "effect/Data"

/** Where in a nesting: property names, array indices, and `"<key>"` for the key of a Map entry. */
export type Path = ReadonlyArray<string | number>

/** What {@link map} does at the leaves. */
export interface Visitor {
  /** Called for each leaf; what it returns takes the leaf's place. The path is reused: copy it to keep it. */
  readonly leaf: (leaf: unknown, path: Path) => unknown
  /**
   * Called for each largest part, container or string, of which nothing was replaced; what it returns takes its
   * place. Keys of Maps are left out.
   */
  readonly kept?: (part: object | string) => unknown
  /** Whether the containers around a leaf are copied although it stays. */
  readonly detaches?: (leaf: unknown) => boolean
}

/** A nesting that contains itself. Raised by {@link map}. */
export class CyclicNesting extends Data.TaggedError("CyclicNesting")<{ readonly path: Path }> {
  override get message() {
    return `${formatPath(this.path)} contains itself; cyclic values are not supported`
  }
}

/** A nesting that cannot be walked: too deep, or with a property that cannot be copied safely. Raised by {@link map}. */
export class UnsupportedNesting extends Data.TaggedError("UnsupportedNesting")<{
  readonly path: Path
  /** What is wrong there, e.g. `is nested more than 1000 deep`. */
  readonly problem: string
}> {
  override get message() {
    return `${formatPath(this.path)} ${this.problem}; this is not supported`
  }
}

/** From this depth on, ancestors are compared: deep enough that ordinary data never pays for it. */
const SUSPICIOUS_DEPTH = 40

/** Well below the depth at which this traversal or CBOR's would overflow the stack, wherever it is called. */
const MAX_DEPTH = 1000

/**
 * Rebuilds `value` with every leaf replaced by `visitor.leaf(leaf, path)`.
 *
 * @throws {CyclicNesting} if a container contains itself
 * @throws {UnsupportedNesting} if it is more than 1000 containers deep, or has a property named `__proto__`
 */
export const map = (value: unknown, visitor: Visitor, path: Path = []): unknown => {
  const at = [...path]
  const mapped = visit(value, visitor, at, [])
  return mapped === value ? kept(mapped, visitor) : mapped
}

const kept = (part: unknown, visitor: Visitor): unknown =>
  visitor.kept !== undefined && (typeof part === "string" || isContainer(part)) ? visitor.kept(part) : part

/** Whether {@link map} goes into `value`. */
export const isContainer = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return (
    prototype === Object.prototype ||
    prototype === Array.prototype ||
    prototype === Map.prototype ||
    prototype === null
  )
}

/** Shows a path as code would: `args[0].pixels`. */
export const formatPath = (path: Path): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)
      ? text === ""
        ? step
        : `${text}.${step}`
      : `${text}[${JSON.stringify(step)}]`
  }, "") || "the value"

const BYTE_ORDER_MARK = 0xfeff

const visit = (
  value: unknown,
  visitor: Visitor,
  path: Array<string | number>,
  ancestors: Array<object>
): unknown => {
  switch (typeof value) {
    case "string":
      return value.charCodeAt(0) === BYTE_ORDER_MARK ? visitor.leaf(value, path) : value
    case "boolean":
    case "undefined":
      return value
    case "number":
      return value === 0 && Object.is(value, -0) ? visitor.leaf(value, path) : value
    case "object":
      if (value === null) return value
      break
    default:
      return visitor.leaf(value, path)
  }
  if (!isContainer(value)) return visitor.leaf(value, path)
  if (ancestors.length > SUSPICIOUS_DEPTH) refuse(value, path, ancestors)
  ancestors.push(value)
  const result = Array.isArray(value)
    ? visitArray(value, visitor, path, ancestors)
    : value instanceof Map
      ? visitMap(value, visitor, path, ancestors)
      : visitObject(value as Record<string, unknown>, visitor, path, ancestors)
  ancestors.pop()
  return result
}

/** Refuses a container that is its own ancestor, or has too many. */
const refuse = (value: object, path: Path, ancestors: ReadonlyArray<object>) => {
  const start = path.length - ancestors.length
  if (ancestors.includes(value)) {
    const repeats = (at: object, i: number) => at === value || ancestors.includes(at, i + 1)
    throw new CyclicNesting({ path: path.slice(0, start + ancestors.findIndex(repeats)) })
  }
  if (ancestors.length >= MAX_DEPTH) {
    throw new UnsupportedNesting({
      path: path.slice(0, start + 1),
      problem: `is nested more than ${MAX_DEPTH} deep`
    })
  }
}

const visitArray = (
  array: Array<unknown>,
  visitor: Visitor,
  path: Array<string | number>,
  ancestors: Array<object>
) => {
  let copy: Array<unknown> | undefined
  const depth = path.length
  for (let i = 0; i < array.length; i++) {
    const item = array[i]
    if (typeof item === "number" && item !== 0) continue
    path.push(i)
    const mapped = visit(item, visitor, path, ancestors)
    path.length = depth
    if (mapped !== item || (mapped === 0 && !Object.is(mapped, item)) || visitor.detaches?.(item)) {
      copy ??= array.slice()
      copy[i] = mapped
    }
  }
  if (copy === undefined) return array
  if (visitor.kept !== undefined) {
    for (let i = 0; i < copy.length; i++) {
      if (copy[i] === array[i]) copy[i] = kept(copy[i], visitor)
    }
  }
  return copy
}

const visitObject = (
  object: Record<string, unknown>,
  visitor: Visitor,
  path: Array<string | number>,
  ancestors: Array<object>
) => {
  let copy: Record<string, unknown> | undefined
  const depth = path.length
  const keys = Object.keys(object)
  for (const key of keys) {
    const item = object[key]
    path.push(key)
    if (key === "__proto__") {
      throw new UnsupportedNesting({ path: [...path], problem: "is a property named __proto__" })
    }
    const mapped = visit(item, visitor, path, ancestors)
    path.length = depth
    if (!Object.is(mapped, item) || visitor.detaches?.(item)) {
      copy ??= { ...object }
      copy[key] = mapped
    }
  }
  if (copy === undefined) return object
  if (visitor.kept !== undefined) {
    for (const key of keys) {
      if (copy[key] === object[key]) copy[key] = kept(copy[key], visitor)
    }
  }
  return copy
}

const visitMap = (
  entries: Map<unknown, unknown>,
  visitor: Visitor,
  path: Array<string | number>,
  ancestors: Array<object>
) => {
  let changed = false
  const depth = path.length
  const copy: Array<[key: unknown, item: unknown]> = []
  const stayed: Array<boolean> = []
  for (const [key, item] of entries) {
    const unspeakable = typeof key === "symbol" || (typeof key === "object" && key !== null)
    path.push(unspeakable ? `<key ${copy.length}>` : String(key))
    const mappedItem = visit(item, visitor, path, ancestors)
    path[depth] = "<key>"
    const mappedKey = visit(key, visitor, path, ancestors)
    path.length = depth
    const same = Object.is(mappedItem, item)
    changed ||=
      !same ||
      !Object.is(mappedKey, key) ||
      visitor.detaches?.(item) === true ||
      visitor.detaches?.(key) === true
    stayed.push(same)
    copy.push([mappedKey, mappedItem])
  }
  if (!changed) return entries
  for (const [i, entry] of copy.entries()) if (stayed[i]) entry[1] = kept(entry[1], visitor)
  return new Map(copy)
}
