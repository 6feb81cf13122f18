/**
 * Annotations: named, schema-checked values on a node or on the plan.
 *
 * A planner declares in its type which annotations it may emit; a behaviour says what a worker does about one. The
 * value is checked and encoded by its schema when it is put, and decoded again where it is read, since in between it is
 * data in a store.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

/** What an annotation may stand on. */
export type AnnotationScope = "node" | "plan"

/** A value under an annotation's name, as plans and options carry it. */
export interface AnnotationValue<out Name extends string = string, out T = unknown> {
  readonly name: Name
  /** As the schema encodes it. */
  readonly value: T
}

/** The definition of an annotation. */
export interface Annotation<out Name extends string = string, in out T = never> {
  /**
   * Makes a value: `Priority(5)`.
   *
   * @throws {InvalidAnnotation} if the schema refuses it
   */
  (value: T): AnnotationValue<Name, T>
  readonly annotation: Name
  readonly schema: Schema.Codec<T, unknown>
  readonly scope: AnnotationScope
}

/** Any annotation, whatever its value's type. */
// biome-ignore lint/suspicious/noExplicitAny: T is invariant, and this stands for every T
export type AnyAnnotation = Annotation<string, any>

/** The type of an annotation's value. */
export type ValueOf<A extends AnyAnnotation> = A extends Annotation<string, infer T> ? T : never

/** An annotation's value that its schema refuses. */
export class InvalidAnnotation extends Data.TaggedError("InvalidAnnotation")<{
  readonly annotation: string
  /** Where it stands: a node's label, or `the plan`; `undefined` while it is being made. */
  readonly on: string | undefined
  readonly reason: string
}> {
  override get message() {
    const place = this.on === undefined ? "" : ` on ${this.on}`
    return `the annotation "${this.annotation}"${place} is not valid: ${this.reason}`
  }
}

/**
 * Defines an annotation.
 *
 * ```ts
 * const Priority = annotation("priority", Schema.Finite)
 * blur.with({ annotations: [Priority(5)] })(chunk)
 * ```
 *
 * @param scope `"node"` (the default) if it stands on nodes, `"plan"` if on the plan as a whole
 */
export const annotation = <const Name extends string, T>(
  name: Name,
  schema: Schema.Codec<T, unknown>,
  scope: AnnotationScope = "node"
): Annotation<Name, T> => {
  const encode = Schema.encodeUnknownResult(schema)
  const make = (value: T): AnnotationValue<Name, T> => {
    const encoded = encode(value)
    if (encoded._tag === "Success") return { name, value: encoded.success as T }
    throw new InvalidAnnotation({ annotation: name, on: undefined, reason: encoded.failure.message })
  }
  return Object.assign(make, { annotation: name, schema, scope })
}

/**
 * The value under the annotation's name, checked by its schema; `undefined` if there is none.
 *
 * @throws {InvalidAnnotation} if the schema refuses the value
 */
export const read = <T>(
  definition: Annotation<string, T>,
  values: Readonly<Record<string, unknown>>,
  on: string
): T | undefined => {
  const value = values[definition.annotation]
  if (value === undefined) return undefined
  const decoded = Schema.decodeUnknownResult(definition.schema)(value)
  if (decoded._tag === "Success") return decoded.success
  throw new InvalidAnnotation({ annotation: definition.annotation, on, reason: decoded.failure.message })
}
