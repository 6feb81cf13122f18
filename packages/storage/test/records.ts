// Records of runs that never were, for tests of histories and for the processes that they start.
import type { RunRecord } from "../src/index.ts"

/** A record that took next to nothing. */
export const recordOf = (run: string, begunAt = 1, more: Partial<RunRecord> = {}): RunRecord => ({
  version: 2,
  run,
  workflow: "w",
  signature: "s",
  planner: "simple",
  engine: "inline",
  status: "succeeded",
  begunAt,
  makespanMs: 1,
  instances: 1,
  tasks: [],
  workers: [],
  gbSeconds: 0,
  bytesRead: 0,
  bytesWritten: 0,
  roundTrips: 0,
  ...more
})

export const runsOf = (records: ReadonlyArray<RunRecord>): ReadonlyArray<string> =>
  records.map(({ run }) => run)
