/**
 * What workers do about plans of this planner: its annotations and their behaviours. Workers import this module, and nothing
 * else of the planner.
 *
 * Source: Carver et al., "Wukong: A Scalable and Locality-Enhanced Framework for Serverless Parallel Computing", ACM SoCC
 * 2020 (arXiv 2010.07268): dynamic scheduling, task clustering and delayed I/O.
 */
import { type Annotation, annotation, type Behaviour, behaviour } from "@weft/core"
import * as Schema from "effect/Schema"

const FromZero = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/**
 * A node's place in the static schedules: when a depth-first search from the leaves meets it. On nodes that follow from one
 * which others follow from, too.
 */
export const Schedule: Annotation.Annotation<"wukong-schedule", number> = annotation(
  "wukong-schedule",
  FromZero
)

/** What becomes of a large output. */
export interface LargeOutput {
  /** From so many encoded bytes on it is large. */
  readonly fromBytes: number
  /** Whether its worker runs what reads it itself. */
  readonly clustering: boolean
  /** Whether it is stored only when it is clear that others read it. */
  readonly delayedIo: boolean
}

/** On nodes of fan-outs and fan-ins: what becomes of a large output. */
export const Large: Annotation.Annotation<"wukong-large", LargeOutput> = annotation(
  "wukong-large",
  Schema.Struct({ fromBytes: FromZero, clustering: Schema.Boolean, delayedIo: Schema.Boolean })
)

/**
 * Static schedules: of what follows from a node the worker becomes the executor of what comes first in them, and others are
 * invoked for the rest. What it runs itself of several, it runs in that order.
 */
export const scheduling: Behaviour.Behaviour<typeof Schedule> = behaviour(
  import.meta,
  Schedule,
  {},
  { precedence: (place) => place }
)

/** Task clustering and delayed I/O for large outputs. */
export const locality: Behaviour.Behaviour<typeof Large> = behaviour(
  import.meta,
  Large,
  {},
  {
    holds: ({ value: { clustering, delayedIo, fromBytes } }, bytes) => {
      const isLarge = bytes >= fromBytes
      return { clusters: isLarge && clustering, delays: isLarge && delayedIo }
    }
  }
)

/** The behaviours that runs with this planner need. */
export const behaviours: readonly [typeof scheduling, typeof locality] = [scheduling, locality]
