/**
 * A planner that is polite to services: all calls of some tasks go to one worker, which makes them one after another
 * with a pause in between. Everything else is left to whoever is free.
 *
 * No lock and no counter that workers would have to share: a worker runs one node at a time, so what only one worker
 * may do never happens twice at once.
 */
import { planner } from "@weft/core"
import { Pace } from "./pace.ts"

// Exported with the planner, so that `weft run --planner src/planner.ts` finds it.
export { pace } from "./pace.ts"

export interface PoliteOptions {
  /** The names of the tasks that call the service. */
  readonly tasks: ReadonlyArray<string>
  /** The pause between calls, in ms. */
  readonly pauseMs: number
}

/** Makes the planner. */
export const polite = ({ pauseMs, tasks }: PoliteOptions) =>
  planner({
    name: "polite",
    annotations: [Pace],
    plan: ({ draft, graph }) => {
      const calls = Array.from({ length: graph.size }, (_, id) => id).filter((id) =>
        tasks.includes(graph.name(id))
      )
      for (const id of calls) {
        draft.assign(id, { worker: "polite" })
        draft.annotate(id, Pace({ pauseMs }))
      }
      draft.note(`${calls.length} of ${graph.size} nodes run one after another, ${pauseMs} ms apart`)
    }
  })

export default polite({ tasks: ["lookUp"], pauseMs: 20 })
