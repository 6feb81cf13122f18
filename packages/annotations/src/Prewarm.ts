/**
 * The annotation `prewarm`: while a node runs, what workers of a later phase will run in is started, so that they need not
 * wait for it.
 */
import { type Annotation, annotation, type Behaviour, behaviour, type Task } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What is started, and when. */
export interface PrewarmOptions {
  /** Memory of the workers, in MiB. */
  readonly memory: number
  /** How many workers. */
  readonly workers: number
  /** How long after the node has begun to execute, in ms. */
  readonly afterMs: number
}

const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))

/** The annotation: what is started while the node runs. */
export const Prewarm: Annotation.Annotation<"prewarm", ReadonlyArray<PrewarmOptions>> = annotation(
  "prewarm",
  Schema.Array(
    Schema.Struct({
      memory: Count,
      workers: Count,
      afterMs: Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
    })
  )
)

/** What workers do about {@link Prewarm}. */
export const prewarming: Behaviour.Behaviour<typeof Prewarm> = behaviour(import.meta, Prewarm, {
  execute: ({ prewarm, value }, next) =>
    Effect.andThen(
      Effect.forEach(value, ({ afterMs, memory, workers }) => prewarm(memory, workers, afterMs), {
        discard: true
      }),
      next
    )
})

/**
 * The same task; while it runs, what workers will run in is started.
 *
 * ```ts
 * const tiles = prewarm(split, { memory: 3008, workers: 50, afterMs: 0 })(picture)   // 50 workers will follow
 * ```
 *
 * It takes effect in runs with the behaviour {@link prewarming}.
 *
 * @throws {InvalidAnnotation} if an option is not valid
 */
export const prewarm = <P extends ReadonlyArray<unknown>, R>(
  task: Task<P, R>,
  ...options: ReadonlyArray<PrewarmOptions>
): Task<P, R> => task.with({ annotations: [Prewarm(options)] })
