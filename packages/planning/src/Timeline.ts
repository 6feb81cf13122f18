/**
 * The fast model: when everything would run under an assignment. For planners' inner loops; the simulator, which runs the
 * worker's own stages, is what it is held against (`test/agreement.test.ts`).
 *
 * One pass over what happens, in order of time; O(n log n) in instances and edges. Workers claim, tell, hand off and leave
 * as those in `@weft/worker` do. What is counted and what is not is in the README.
 */
import type { Assignment } from "./Assignment.ts"
import type { Model } from "./Model.ts"
import { Evaluation } from "./timeline/Evaluation.ts"
import { NOBODY } from "./timeline/Places.ts"
import type { Timeline } from "./timeline/Times.ts"

export type { Timeline, WorkerUse } from "./timeline/Times.ts"

export const evaluate = (model: Model, assignment: Assignment): Timeline =>
  new Evaluation(model, assignment).run()

/** The critical path, from its first instance to its last: what each waited for last, back from what ends last. */
export const criticalPath = ({ after, endMs }: Timeline): ReadonlyArray<number> => {
  let last = 0
  for (let i = 1; i < endMs.length; i++) if (endMs[i]! > endMs[last]!) last = i
  const path: Array<number> = []
  for (let at = endMs.length === 0 ? NOBODY : last; at !== NOBODY; at = after[at]!) path.push(at)
  return path.reverse()
}
