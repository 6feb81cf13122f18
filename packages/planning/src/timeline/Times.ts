/** What an evaluation says: when everything would run, on which worker, and what that takes. */

/** A worker, from its invocation to its end. A named worker that has left and is invoked again is another one. */
export interface WorkerUse {
  /** The index of its name in the assignment; `FLEXIBLE` if the plan did not name it. */
  readonly worker: number
  /** In MiB. */
  readonly memory: number
  readonly isCold: boolean
  /** When it was invoked, when it could begin, and when it left, in ms. */
  readonly sentMs: number
  readonly beganMs: number
  readonly toMs: number
}

export interface Timeline {
  /** By instance: when inputs begin, when they are there, when the value is published; in ms from the begin. */
  readonly startMs: Float64Array
  readonly executeMs: Float64Array
  readonly endMs: Float64Array
  /** By instance: the index of its worker in {@link workers}. */
  readonly place: Int32Array
  /** By instance: the instance that it waited for last (an input, or what its worker ran before), or -1. */
  readonly after: Int32Array
  /** From the first invocation to the commit of the last target. */
  readonly makespanMs: number
  readonly workers: ReadonlyArray<WorkerUse>
  readonly coldStarts: number
  /** Memory times time over all workers, starts of cold environments included, in GB-seconds. */
  readonly gbSeconds: number
  /** Bytes that go through stores. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Calls of coordination. */
  readonly calls: number
}
