/**
 * When workers upload what they have measured of a run. It travels with the run, to workers wherever they are.
 */
import * as Schema from "effect/Schema"

const Positive = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))
const PositiveInt = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))

/**
 * What is lost of the measurements if a worker's process is killed:
 *
 * - `"stop"`: when a worker stops. What its workers that have not stopped had measured.
 * - `"task"`: before anybody is told that a node is complete. Nothing of what is complete.
 * - `{ everyMs }`: at the latest so many ms after it was measured. What was measured in that time.
 * - `{ queued }`: when so many nodes have been measured. Fewer than that.
 */
export const UploadStrategy = Schema.Union([
  Schema.Literals(["stop", "task"]),
  Schema.Struct({ everyMs: Positive }),
  Schema.Struct({ queued: PositiveInt })
])
export type UploadStrategy = typeof UploadStrategy.Type
