/** Renews the leases of runs, in the thread that does only that. */
import { Coordination } from "@weft/storage"
import * as Effect from "effect/Effect"
import { heartbeat } from "../../Heartbeat.ts"
import { connect } from "../Connections.ts"
import * as Fault from "../Fault.ts"
import type { RenewedRun } from "./Protocol.ts"

/** What becomes of it. */
export interface RenewerListener {
  /** The store says that the run is over. */
  readonly over: () => void
  /** It could not go on. */
  readonly failed: () => void
}

/**
 * Renews the leases of a run's workers.
 *
 * @returns what ends that
 */
export const start = (
  { leaseMs, run, stores }: RenewedRun,
  workers: ReadonlySet<string>,
  listener: RenewerListener
): (() => void) => {
  const renewed = Effect.gen(function* () {
    // At once: getting here has taken its time.
    const coordination = yield* Coordination
    yield* Effect.ignore(coordination.renew(run, [...workers]))
    return yield* heartbeat(run, leaseMs, workers)
  })
  const fiber = Effect.runFork(
    Effect.matchCauseEffect(
      Effect.flatMap(connect(stores), (services) => Effect.provideContext(renewed, services)),
      {
        onSuccess: () => Effect.sync(listener.over),
        onFailure: (cause) =>
          Effect.andThen(
            Effect.logWarning(`the leases of the run ${run} could not be renewed: ${Fault.describe(cause)}`),
            Effect.sync(listener.failed)
          )
      }
    )
  )
  return () => fiber.interruptUnsafe()
}
