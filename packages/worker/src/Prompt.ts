/**
 * Results that are mostly there at once.
 *
 * A stage that has to wait for nothing gives its result as it is, and an Effect only if there is something to wait
 * for. A worker may run 100,000 tasks of some microseconds, and Effects for each stage would be half of their cost.
 */
import * as Effect from "effect/Effect"

/** A result, or an Effect of one. `A` itself is never an Effect. */
export type Prompt<A, E = never> = A | Effect.Effect<A, E>

/** Whether there is something to wait for. */
export const waits = <A, E>(prompt: Prompt<A, E>): prompt is Effect.Effect<A, E> => Effect.isEffect(prompt)

/** The Effect of a result that may be there. */
export const toEffect = <A, E>(make: () => Prompt<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const made = make()
    return waits(made) ? made : Effect.succeed(made)
  })

/** What follows from a result that may be there. */
export const map = <A, B, E>(prompt: Prompt<A, E>, then: (value: A) => B): Prompt<B, E> =>
  waits(prompt) ? Effect.map(prompt, then) : then(prompt)
