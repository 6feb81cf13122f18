/**
 * The annotation `pace`, and what workers do about it: after each call of an annotated node they pause.
 */
import { annotation, behaviour } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** How long a worker pauses after the call, in ms. */
export const Pace = annotation("pace", Schema.Struct({ pauseMs: Schema.Finite }))

export const pace = behaviour(import.meta, Pace, {
  execute: ({ value }, next) => Effect.tap(next, () => Effect.sleep(value.pauseMs))
})
