/** What adapters answer about runs that were never begun, or are removed. */
import type { InstanceId } from "@weft/core"
import type { Kept, RunState } from "./Coordination.ts"

/** The state of a run that a store knows nothing of. */
export const goneState = (run: string): RunState => ({
  run,
  workflow: "",
  status: "gone",
  begunAt: 0,
  endedAt: undefined,
  leaseMs: Number.POSITIVE_INFINITY,
  heardAt: 0,
  completed: 0,
  instances: 0,
  failures: [],
  reason: undefined
})

/** Of values that came too late to be kept, those in the object store: they are the caller's to remove. */
export const objectsAmong = (values: ReadonlyArray<Kept>): ReadonlyArray<InstanceId> =>
  values.filter(({ value }) => value === "object").map(({ instance }) => instance)
