/**
 * The annotation `stream`: what a generator yields reaches its readers while the generator runs.
 *
 * Workers act on it by themselves. {@link streaming} is for the types only: a planner that may emit {@link Stream}, to
 * switch streams on and off, asks for a behaviour that covers it.
 */
import { type Annotation, annotation, type Behaviour, behaviour, type Task } from "@weft/core"
import * as Schema from "effect/Schema"

/**
 * What a streamed generator yields, for a task that reads it: `for await (const item of items)`. It may be a list as
 * well: that of a task without the annotation, or of one whose items could not be streamed.
 */
export type Items<T> = ReadonlyArray<T> | AsyncIterable<T>

/** How items are streamed. */
export interface StreamOptions {
  /**
   * How many items may be on their way: the generator waits when living readers have not read so many. At least 1.
   * Default 256.
   */
  readonly buffer?: number
}

const Buffer = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))

/** The annotation: options, or `false` to collect the items as if there was no annotation. */
export const Stream: Annotation.Annotation<"stream", StreamOptions | false> = annotation(
  "stream",
  Schema.Union([
    Schema.Literal(false),
    Schema.Struct({ buffer: Schema.optionalKey(Buffer) })
  ]) as Schema.Codec<StreamOptions | false, unknown>
)

/** Covers {@link Stream} for planners that may emit it. Streams need no behaviour beyond what workers do. */
export const streaming: Behaviour.Behaviour<typeof Stream> = behaviour(import.meta, Stream, {})

/**
 * The same task, a generator, with its items streamed to the tasks that read them.
 *
 * ```ts
 * const frames = stream(decode)(video)     // Node<Items<Frame>>
 * const report = analyse(frames)           // begins with the first frame
 * ```
 *
 * A streamed generator must yield the same items whenever it is run with the same arguments: who comes too late, or
 * outlives the worker that runs it, may run it again. It is told to end (`return()`) when no reader needs more. Items are
 * collected into a list instead where they are asked for as a result, read inside of an `each` from outside of it, or
 * read only by the worker that makes them.
 *
 * @throws {InvalidAnnotation} if an option is not valid
 */
export const stream = <P extends ReadonlyArray<unknown>, T>(
  task: Task<P, Array<T>>,
  options: StreamOptions = {}
): Task<P, Items<T>> => task.with({ annotations: [Stream(options)] })
