/**
 * The engine `inline`: workers are fibers in this process. Needs nothing; best for small tasks, tasks that wait, and
 * tests. Tasks that compute run one after another, as everything in one JavaScript thread does.
 */
import * as Effect from "effect/Effect"
import type { Engine, OpenRun } from "../Engine.ts"
import { RunContext } from "../RunContext.ts"
import { captureConsole } from "../TaskContext.ts"
import * as Local from "./Local.ts"
import * as Renewal from "./Renewal.ts"

/** Options of the `inline` engine. */
export interface InlineOptions {
  /** How many workers may be active at once. Default 64: tasks that wait overlap. */
  readonly concurrency?: number
  /** How many workers one worker invokes itself before the rest is left to others. Default: any number. */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 1,000. */
  readonly idleMs?: number
}

/** Makes an `inline` engine. */
export const inline = (options: InlineOptions = {}): Engine => {
  const { concurrency = 64, fanOut = Number.POSITIVE_INFINITY, idleMs = 1000 } = options
  return {
    name: "inline",
    parallelism: 1,
    open: (run) => open(run, { concurrency, fanOut, idleMs })
  }
}

const open = Effect.fnUntraced(function* (run: OpenRun, options: Required<InlineOptions>) {
  yield* Effect.acquireRelease(Effect.sync(captureConsole), (release) => Effect.sync(release))
  const leases = yield* leasesOf(run)
  const local = yield* Local.open(new RunContext(run), { ...options, leases, taker: "engine" })
  return local.invoker
})

/** Tasks block this thread: where another thread can get at the stores, it renews the leases. */
const leasesOf = (run: OpenRun) => {
  return run.stores === undefined || !Number.isFinite(run.leaseMs)
    ? Renewal.inThisThread(run.run, run.leaseMs)
    : Renewal.inThreadOfItsOwn({ run: run.run, leaseMs: run.leaseMs, stores: run.stores })
}
