/** A run whose workers are in the vessels of a pool: what all engines with a pool do. */
import { Coordination } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { EngineError, type Invoker, type OpenRun } from "../../Engine.ts"
import type { Invocation } from "../../Invocation.ts"
import { persistent } from "../../Persistent.ts"
import { adoptAll, invocationsFor } from "../../stages/HandOff.ts"
import * as Fault from "../Fault.ts"
import { streamsAbandoning } from "../Local.ts"
import * as Renewal from "../Renewal.ts"
import type { Pool, RunListener } from "./Pool.ts"
import type { VesselSettings } from "./Vessel.ts"

/** What is particular to an engine. */
export interface PooledRun<To, From>
  extends Pick<RunListener<To, From>, "opening" | "patienceMs" | "receive"> {
  readonly engine: string
  /** How a vessel is called: `thread`. */
  readonly what: string
  readonly settings: VesselSettings
  /** Under which name lost work is taken over. */
  readonly taker: string
}

/** Refuses a run whose tasks cannot be found by import. */
export const requireModule = (run: OpenRun, engine: string): Effect.Effect<void, EngineError> =>
  run.module !== undefined
    ? Effect.void
    : Effect.fail(
        new EngineError({
          engine,
          detail:
            `${engine} find tasks by importing the module that exports them, and it is not known; ` +
            "pass `module: import.meta.url`, or define a workflow with `workflow(import.meta, …)`"
        })
      )

/** Opens a run with a pool. When the scope closes its workers have ended. */
export const open = Effect.fnUntraced(function* <
  To,
  From extends { readonly type: string; readonly run: string }
>(
  { leaseMs, run }: OpenRun,
  pool: Pool<To, From>,
  { engine, settings, taker, what, ...vessels }: PooledRun<To, From>
) {
  const coordination = persistent(yield* Coordination)
  const abandonStreams = yield* streamsAbandoning(run)
  const leases = yield* Renewal.inThisThread(run, leaseMs)
  const fork = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.runFork(
      Effect.catchCause(effect, (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.ignore(coordination.cancel(run, `the engine "${engine}" failed: ${Fault.describe(cause)}`))
      )
    )
  const invoker: Invoker = {
    ...settings,
    invoke: Effect.fnUntraced(function* (invocations: ReadonlyArray<Invocation>) {
      pool.invoke(yield* adoptAll(coordination, run, invocations))
    }),
    // Threads and processes of one machine have no sizes.
    prewarm: (_, workers) => Effect.sync(() => pool.prewarm(run, workers))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      pool.open(run, {
        ...vessels,
        leases,
        invoke: (invocations) => fork(invoker.invoke(invocations)),
        lost: (workers, unsent, reason) =>
          fork(
            Effect.andThen(
              abandonStreams(workers),
              Effect.flatMap(coordination.abandon(run, workers, taker, reason), (reply) =>
                invoker.invoke([...unsent, ...invocationsFor(run, reply, invoker)])
              )
            )
          ),
        overdue: ({ instance, ms, task, worker }) =>
          fork(
            coordination.fail(run, {
              instance,
              task,
              kind: "timeout",
              worker,
              attempts: 1,
              message: `did not end within its timeout of ${ms} ms, and blocked its ${what}`
            })
          )
      })
    ),
    () => Effect.promise(() => pool.close(run))
  )
  return invoker
})
