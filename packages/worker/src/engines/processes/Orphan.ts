/**
 * How a process goes on when its parent is gone: what its workers hand on it runs itself, and it takes over what lost
 * workers left, until its runs are over or there has been nothing to do for a while.
 */
import { CLIENT, Coordination } from "@weft/storage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { EngineError } from "../../Engine.ts"
import type { Invocation } from "../../Invocation.ts"
import { persistent } from "../../Persistent.ts"
import { handOn } from "../../Waiting.ts"
import { connect } from "../Connections.ts"
import type { Leases } from "../Leases.ts"
import * as Local from "../Local.ts"
import type { Runner } from "../pool/Runner.ts"
import type { VesselSettings } from "../pool/Vessel.ts"
import type { Opening } from "./Protocol.ts"

/** A run that this process has been told of. */
export interface KnownRun {
  readonly opening: Opening
  readonly leases: Leases
}

/** How often within a lease the store is asked what was lost. */
const ASKED = 3
/** For how many leases there may be nothing to do. One later, what was lost with the parent has been taken over. */
const IDLE_LEASES = 2

export class Orphan {
  private readonly runs: ReadonlyMap<string, KnownRun>
  private readonly runner: Runner
  private readonly settings: VesselSettings
  private readonly locals = new Map<string, Deferred.Deferred<Local.Local>>()

  constructor(runs: ReadonlyMap<string, KnownRun>, runner: Runner, settings: VesselSettings) {
    this.runs = runs
    this.runner = runner
    this.settings = settings
    for (const run of runs.keys()) this.locals.set(run, Deferred.makeUnsafe())
  }

  /** What workers of a run hand on. */
  handOn(run: string, invocations: ReadonlyArray<Invocation>): Effect.Effect<void, EngineError> {
    const local = this.locals.get(run)
    if (local === undefined) return Effect.void
    return Effect.flatMap(Deferred.await(local), ({ invoker }) => invoker.invoke(invocations))
  }

  /** Resolves when nothing is left to do. */
  async goOn(): Promise<void> {
    await Promise.all(
      [...this.runs.values()].map(async (known) => {
        await Effect.runPromiseExit(this.finish(known))
        await this.runner.close(known.opening.run)
      })
    )
  }

  private finish({ leases, opening: { leaseMs, run, stores } }: KnownRun) {
    const { fanOut, idleMs } = this.settings
    const taker = `orphan-${process.pid}-${crypto.randomUUID()}`
    const finished = Effect.gen({ self: this }, function* () {
      const context = yield* this.runner.contextOf(run)
      if (context === undefined) return
      const local = yield* Local.open(context, { concurrency: 1, fanOut, idleMs, leases, taker })
      yield* Deferred.succeed(this.locals.get(run)!, local)
      const coordination = persistent(yield* Coordination)
      const changed = Latch.makeUnsafe(false)
      yield* coordination.subscribe(run, CLIENT, ({ type }) => {
        if (type === "ended" || type === "lost") changed.openUnsafe()
      })
      let busyAt = performance.now()
      while (true) {
        const reply = yield* coordination.renew(run, [], taker)
        if (reply.status !== "running") return
        yield* handOn(run, reply, local.invoker)
        if (local.size() + this.runner.size(run) > 0) busyAt = performance.now()
        else if (performance.now() - busyAt > IDLE_LEASES * leaseMs) return
        yield* Effect.timeoutOption(changed.await, leaseMs / ASKED)
        changed.closeUnsafe()
      }
    })
    return Effect.flatMap(connect(stores), (services) =>
      Effect.provideContext(Effect.scoped(finished), services)
    )
  }
}
