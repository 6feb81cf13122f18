/**
 * The annotation `priority`: which of the nodes that a worker could run next it runs first.
 *
 * Workers act on it by themselves. {@link prioritizing} is for the types only: a planner that may emit {@link Priority} asks
 * for a behaviour that covers it.
 */
import { type Annotation, annotation, type Behaviour, behaviour, type Task } from "@weft/core"
import * as Schema from "effect/Schema"

/** The annotation: the lowest number runs first; nodes without one come last. */
export const Priority: Annotation.Annotation<"priority", number> = annotation("priority", Schema.Finite)

/** Covers {@link Priority} for planners that may emit it. It needs no behaviour beyond what workers do. */
export const prioritizing: Behaviour.Behaviour<typeof Priority> = behaviour(import.meta, Priority, {})

/**
 * The same task, with a place in the order in which a worker runs what it could run.
 *
 * ```ts
 * const first = prioritize(load, 0)("large.csv")   // before what else is ready on its worker
 * ```
 *
 * It says in which order, never where: who runs what is settled as without it.
 *
 * @throws {InvalidAnnotation} if the number is not finite
 */
export const prioritize = <P extends ReadonlyArray<unknown>, R>(
  task: Task<P, R>,
  priority: number
): Task<P, R> => task.with({ annotations: [Priority(priority)] })
