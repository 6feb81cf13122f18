/**
 * Clients that come later: one that goes on with a run whose client died, and one that only watches.
 */
import { CLIENT, Coordination, type RunState, type StoreError } from "@weft/storage"
import { type EngineError, handOn, type ModuleError, TaskModule, untilOver } from "@weft/worker"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Services } from "./Connections.ts"
import * as Party from "./Party.ts"
import * as Record from "./Record.ts"
import * as RunDocument from "./RunDocument.ts"
import { NoModule, UnknownRun, type UnreadableRun } from "./RunErrors.ts"
import * as RunResult from "./RunResult.ts"

/** How to go on with a run. */
export interface Settings extends Party.Settings {
  /** The URL of the module that exports the tasks; `undefined`: the one that the run names. */
  readonly module: string | undefined
}

/** What taking part in a run needs. */
type Needed = Services | Scope.Scope

/** How a run is that must be there. */
const stateOf = Effect.fnUntraced(function* (run: string) {
  const coordination = yield* Coordination
  const state = yield* coordination.state(run)
  return state.status === "gone" ? yield* new UnknownRun({ run }) : state
})

/**
 * Goes on with a run: takes over what its client held, and waits for the end as that would have done. When the scope
 * closes after the outcome, nothing of the run is left in the stores, if it has ended.
 */
export const attach = Effect.fnUntraced(function* (
  run: string,
  settings: Settings,
  listener: Party.Listener
): Effect.fn.Return<
  Party.Started,
  UnknownRun | UnreadableRun | NoModule | ModuleError | StoreError | EngineError,
  Needed
> {
  const state = yield* stateOf(run)
  const document = yield* RunDocument.load(run)
  const module = settings.module ?? document.module
  if (state.status === "running" && module === undefined) return yield* new NoModule({ run })
  // Before anything is decoded: the module may say how values of its classes are read.
  const tasks = module === undefined ? new Map() : (yield* TaskModule.load(module)).tasks
  const behaviours = yield* Effect.forEach(document.behaviours, ({ annotation, module }) =>
    TaskModule.loadBehaviour(module, annotation)
  )
  const { graph, plan } = yield* RunDocument.decode(run, document)
  const removal = yield* Party.removing(run, false)
  const known = { run, workflow: state.workflow, graph, plan, instances: state.instances, module }
  const party = yield* Party.join(known, listener)
  party.account(state, true)
  const over: Party.Waiting<never>["over"] = (outcome) => {
    removal.isDue = Party.isSettled(outcome)
  }
  const { metrics } = document
  const record = Record.remembering(party, { metrics })
  if (state.status !== "running") {
    return yield* Party.follow(party, {
      engine: settings.engine,
      untilOver: Effect.succeed(state),
      leave: () => Effect.void,
      over,
      record
    })
  }
  const { leaseMs } = state
  const workers = yield* Party.openWorkers(party, settings, { behaviours, leaseMs, metrics, module, tasks })
  const taken = yield* party.coordination.renew(run, [], CLIENT)
  return yield* Party.follow(party, {
    engine: settings.engine,
    untilOver: Effect.andThen(
      handOn(run, taken, workers.invoker),
      untilOver(run, workers.invoker, party.changed, settings.pollMs)
    ),
    leave: workers.leave,
    over,
    record
  })
})

/** Who runs the tasks of a run that is only watched. */
const ELSEWHERE = { name: "elsewhere" }

/** Follows a run that others see to: takes over nothing, and removes nothing. */
export const watch = Effect.fnUntraced(function* (
  run: string,
  pollMs: number,
  listener: Party.Listener
): Effect.fn.Return<Party.Started, UnknownRun | UnreadableRun | StoreError, Needed> {
  const state = yield* stateOf(run)
  const document = yield* RunDocument.load(run)
  // It is of use if it says how values of its classes are read; else the run can be watched without it.
  if (document.module !== undefined) yield* Effect.ignore(TaskModule.load(document.module))
  const { graph, plan } = yield* RunDocument.decode(run, document)
  const { module } = document
  const known = { run, workflow: state.workflow, graph, plan, instances: state.instances, module }
  const party = yield* Party.join(known, listener)
  party.account(state, true)
  return yield* Party.follow(party, {
    engine: ELSEWHERE,
    untilOver: untilEnded(party, state, pollMs),
    result: RunResult.check,
    leave: () => Effect.void,
    over: () => {}
  })
})

/** Waits until the run has ended, and touches nothing of it. `last` is how it was when it was last seen. */
const untilEnded = Effect.fnUntraced(function* (
  { changed, coordination, endedAs, run }: Party.Party,
  last: RunState,
  pollMs: number
) {
  let before = last
  while (true) {
    const state = yield* coordination.state(run)
    if (state.status === "gone") {
      // Its client was faster: it has fetched the result, and removed the run.
      return { ...before, status: endedAs() ?? state.status, endedAt: before.heardAt }
    }
    if (state.status !== "running") return state
    before = state
    yield* Effect.timeoutOption(changed.await, pollMs)
    changed.closeUnsafe()
  }
})
