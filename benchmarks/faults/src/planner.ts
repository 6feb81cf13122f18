/** Who runs what: nobody in particular, or named workers, as a planner without any sense would have it. */
import { planner } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { random } from "./random.ts"

/** Deals the nodes out to so many named workers at random; to nobody if there are none. */
export const dealt = (workers: number, seed: number) =>
  workers === 0
    ? simple()
    : planner({
        name: "dealt",
        annotations: [],
        plan: ({ draft, graph }) => {
          const next = random(seed)
          for (let id = 0; id < graph.size; id++) {
            draft.assign(id, { worker: `worker-${next.whole(1, workers)}` })
          }
        }
      })
