/**
 * The client that begins a run: plans it, begins it, waits for it, and cleans up. It is a party like any other: while it
 * waits it renews, and takes over what lost workers left.
 */
import { Flow, type Graph, Plan } from "@weft/core"
import { CLIENT, Coordination, ObjectStore } from "@weft/storage"
import { constantKey, handOn, persistentObjects, untilOver } from "@weft/worker"
import * as Effect from "effect/Effect"
import type { Job } from "./Job.ts"
import * as Party from "./Party.ts"
import * as Planning from "./Planning.ts"
import * as Record from "./Record.ts"
import * as RunDocument from "./RunDocument.ts"

/** How a run is to be done. */
export interface Settings extends Party.Settings, Planning.Settings, Record.Settings {
  readonly engine: Party.Settings["engine"]
  /** After how many losses of its worker a node fails the run. */
  readonly maxAttempts: number
  /** After how many ms of silence a worker is taken for lost. */
  readonly leaseMs: number
  /** Whether others may attach to the run. Then all of it is stored, also what workers of the engine do not need. */
  readonly isOpen: boolean
}

/** How many constants are stored at the same moment. */
const PUTS = 16

/** The id of a new run: readable, sortable by time. */
const newRunId = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`

/**
 * Plans a job and begins it. Messages go to `listener` from the beginning. When the scope closes after the outcome, all
 * workers of this process have ended, and nothing of the run is left in the stores; unless it has not ended and others
 * may go on with it.
 */
export const start = Effect.fnUntraced(function* (job: Job, settings: Settings, listener: Party.Listener) {
  const objects = persistentObjects(yield* ObjectStore)
  const { inlineBytes } = yield* Coordination
  const { behaviours, engine, isOpen, leaseMs, metrics, pollMs } = settings
  const { graph, module, tasks } = job
  const run = newRunId()
  const { expectation, plan } = yield* Planning.plan(graph, {
    ...settings,
    environment: { inlineBytes, ...settings.environment }
  })
  const instances = countInstances(graph)
  const removal = yield* Party.removing(run, true)
  const party = yield* Party.join({ run, workflow: job.name, graph, plan, instances, module }, listener)
  const workers = yield* Party.openWorkers(party, settings, { behaviours, leaseMs, metrics, module, tasks })
  const document = RunDocument.encodeOnce(job, plan, behaviours, metrics)
  if (isOpen || (module !== undefined && engine.name !== "inline")) {
    const put = ({ bytes, index }: RunDocument.Encoded["stored"][number]) =>
      objects.put(run, constantKey(index), bytes)
    yield* Effect.forEach(document().stored, put, { concurrency: PUTS, discard: true })
  }
  const begun = yield* party.coordination.begin(
    {
      run,
      workflow: job.name,
      document: () => document().document,
      ready: Flow.initial(graph).map((instance) => ({ instance, worker: Plan.workerOf(plan, instance) })),
      targets: [...graph.targets],
      instances,
      leaseMs,
      maxAttempts: settings.maxAttempts
    },
    CLIENT
  )
  return yield* Party.follow(party, {
    engine,
    untilOver: Effect.andThen(
      handOn(run, begun, workers.invoker),
      untilOver(run, workers.invoker, party.changed, pollMs)
    ),
    leave: workers.leave,
    over: (outcome) => {
      removal.isDue = !isOpen || Party.isSettled(outcome)
    },
    record: Record.remembering(party, {
      environment: { ...engine.environment, ...settings.environment },
      expectation,
      metrics
    })
  })
})

/** How many instances there are, before any list has been computed. */
export const countInstances = (graph: Graph.Graph): number =>
  graph.columns.scopeOf.reduce((sum, scope) => sum + (scope === 0 ? 1 : 0), 0)
