/**
 * The annotation `preload`: a named worker fetches what its node reads from other workers before the node runs, while it
 * runs others or waits.
 */
import { Annotation, annotation, type Behaviour, behaviour, Plan, type Task } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The annotation: whether what the node reads is fetched ahead. It acts on nodes that a plan gave to a worker. */
export const Preload: Annotation.Annotation<"preload", boolean> = annotation("preload", Schema.Boolean)

/** What workers do about {@link Preload}. */
export const preloading: Behaviour.Behaviour<typeof Preload> = behaviour(
  import.meta,
  Preload,
  {
    start: (context, next) =>
      Effect.andThen(
        next,
        Effect.suspend(() => context.preload(annotated(context)))
      )
  },
  { announces: (isOn) => isOn }
)

const annotated = ({ assigned, graph, plan }: Behaviour.WorkerContext): ReadonlyArray<number> =>
  assigned().filter((node) =>
    Annotation.read(Preload, Plan.annotationsOf(plan, graph, node), graph.label(node))
  )

/**
 * The same task, with what it reads fetched ahead by the worker that a plan gives it to.
 *
 * ```ts
 * const joined = preload(join)(left, right)   // whichever is complete first is there already when the other is
 * ```
 *
 * It takes effect in runs with the behaviour {@link preloading}, for calls that the plan gave to a worker.
 */
export const preload = <P extends ReadonlyArray<unknown>, R>(task: Task<P, R>): Task<P, R> =>
  task.with({ annotations: [Preload(true)] })
