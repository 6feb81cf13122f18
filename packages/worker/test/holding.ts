/**
 * A behaviour that has workers hold on to values, as tests want it; and plans whose nodes have it, and an order, at random.
 */
import { annotation, behaviour } from "@weft/core"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { generator } from "./arbitraryPlan.ts"
import type { Plans } from "./harness.ts"

/** Values of so many encoded bytes and more are held on to; which node goes first. */
export const Held = annotation(
  "held",
  Schema.Struct({
    fromBytes: Schema.Finite,
    clusters: Schema.Boolean,
    delays: Schema.Boolean,
    position: Schema.optionalKey(Schema.Int)
  })
)

export const held = behaviour(
  import.meta,
  Held,
  {},
  {
    holds: ({ value }, bytes) => ({
      clusters: value.clusters && bytes >= value.fromBytes,
      delays: value.delays && bytes >= value.fromBytes
    }),
    precedence: ({ position }) => position ?? Number.POSITIVE_INFINITY
  }
)

/** The same plans, with {@link Held} on some of their nodes, which then are no worker's. */
export const holding = (plans: fc.Arbitrary<Plans>): fc.Arbitrary<Plans> =>
  fc
    .record({
      plans,
      share: fc.constantFrom(0.3, 1),
      free: fc.constantFrom(0, 0.7, 1),
      clusters: fc.boolean(),
      delays: fc.boolean(),
      fromBytes: fc.constantFrom(0, 0, 6, 30),
      seed: fc.integer()
    })
    .map(({ free, plans, seed, share, ...value }) => {
      const made: Plans = (graph) => {
        const plan = plans(graph)
        const nodes = new Map(plan.nodes)
        const random = generator(seed)
        for (let id = 0; id < graph.size; id++) {
          const { worker, ...flexible } = nodes.get(id) ?? {}
          const own = random() < free || worker === undefined ? flexible : { ...flexible, worker }
          const position = Math.floor(random() * 10)
          const annotations = random() < share ? { held: { ...value, position } } : {}
          nodes.set(id, { ...own, annotations })
        }
        return { ...plan, nodes }
      }
      return Object.assign(made, {
        [fc.toStringMethod]: () =>
          `${fc.stringify(plans)}, of which ${free} are free, and ${share} hold ${JSON.stringify(value)}, seed ${seed}`
      })
    })
