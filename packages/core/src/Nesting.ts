/**
 * The one traversal of nested arguments and values.
 *
 * A `Node<T>` may stand anywhere a `T` may, at any depth of arrays, tuples, plain objects and Maps. Everything that
 * has to look into such nestings goes through {@link map}: building (find the nodes), encoding (replace what CBOR
 * cannot say), resolving (put values where references stand) and drawing.
 *
 * Containers are arrays, plain objects (prototype `Object.prototype` or `null`) and Maps (keys and values). Strings,
 * booleans, `null`, `undefined` and numbers other than `-0` are scalars and stay as they are. All else is a *leaf*.
 * What does not change is not copied: if no leaf is replaced, the very same object comes back.
 */
import { Data } from "effect"

/** Where in a nesting: property names, array indices, and `"<key>"` for the key of a Map entry. */
export type Path = ReadonlyArray<string | number>

/** What {@link map} does at the leaves. */
export interface Visitor {
  /** Called for each leaf; what it returns takes the leaf's place. The path is reused: copy it to keep it. */
  readonly leaf: (leaf: unknown, path: Path) => unknown
  /** Called for each largest container of which nothing was replaced; what it returns takes the container's place. */
  readonly kept?: (container: object) => unknown
}

/** A nesting that contains itself. Raised by {@link map}. */
export class CyclicNesting extends Data.TaggedError("CyclicNesting")<{ readonly path: Path }> {
  override get message() {
    return `${formatPath(this.path)} contains itself; cyclic values are not supported`
  }
}

/** From this depth on, ancestors are compared: deep enough that ordinary data never pays for it. */
const SUSPICIOUS_DEPTH = 40

/**
 * Rebuilds `value` with every leaf replaced by `visitor.leaf(leaf, path)`.
 *
 * @throws {CyclicNesting} if a container contains itself
 */
export const map = (value: unknown, visitor: Visitor, path: Path = []): unknown => {
  const at = [...path]
  const mapped = visit(value, visitor, at, [])
  return mapped === value && visitor.kept !== undefined && isContainer(mapped) ? visitor.kept(mapped) : mapped
}

/** Whether {@link map} goes into `value`. */
export const isContainer = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  if (Array.isArray(value) || value instanceof Map) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
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

const visit = (
  value: unknown,
  visitor: Visitor,
  path: Array<string | number>,
  ancestors: Array<object>
): unknown => {
  switch (typeof value) {
    case "string":
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
  if (ancestors.length > SUSPICIOUS_DEPTH && ancestors.includes(value)) {
    throw new CyclicNesting({
      path: path.slice(0, ancestors.indexOf(value) + path.length - ancestors.length)
    })
  }
  ancestors.push(value)
  const result = Array.isArray(value)
    ? visitArray(value, visitor, path, ancestors)
    : value instanceof Map
      ? visitMap(value, visitor, path, ancestors)
      : visitObject(value as Record<string, unknown>, visitor, path, ancestors)
  ancestors.pop()
  return result
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
    if (mapped !== item || (mapped === 0 && !Object.is(mapped, item))) {
      copy ??= array.slice()
      copy[i] = mapped
    }
  }
  if (copy === undefined) return array
  if (visitor.kept !== undefined) {
    for (let i = 0; i < copy.length; i++) {
      if (copy[i] === array[i] && isContainer(copy[i])) copy[i] = visitor.kept(copy[i] as object)
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
    const mapped = visit(item, visitor, path, ancestors)
    path.length = depth
    if (!Object.is(mapped, item)) {
      copy ??= { ...object }
      copy[key] = mapped
    }
  }
  if (copy === undefined) return object
  if (visitor.kept !== undefined) {
    for (const key of keys) {
      if (copy[key] === object[key] && isContainer(copy[key])) copy[key] = visitor.kept(copy[key])
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
  const copy: Array<[unknown, unknown]> = []
  let i = 0
  for (const [key, item] of entries) {
    path.push(isContainer(key) || typeof key === "symbol" ? `<key ${i}>` : String(key))
    const mappedItem = visit(item, visitor, path, ancestors)
    path[depth] = "<key>"
    const mappedKey = visit(key, visitor, path, ancestors)
    path.length = depth
    changed ||= !Object.is(mappedItem, item) || !Object.is(mappedKey, key)
    copy.push([mappedKey, mappedItem])
    i++
  }
  return changed ? new Map(copy) : entries
}
