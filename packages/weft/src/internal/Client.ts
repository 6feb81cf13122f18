/**
 * The client of a run: plans it, begins it, waits for it, and cleans up. It is a party like any other: while it waits
 * it renews, and takes over what lost workers left.
 */
import {
  type AnyAnnotation,
  type Behaviour,
  Codec,
  type Failure,
  Flow,
  type Graph,
  GraphCodec,
  Instance,
  Plan,
  Planner,
  Predictions,
  RunCancelled,
  RunFailed
} from "@weft/core"
import {
  CLIENT,
  Coordination,
  History,
  type Message,
  ObjectStore,
  type RunState,
  type StoreError,
  type StoresReference
} from "@weft/storage"
import {
  Arguments,
  constantKey,
  type Engine,
  type EngineError,
  handOn,
  untilOver,
  valueKey
} from "@weft/worker"
import { Deferred, Effect, type Exit, Latch, Scope } from "effect"
import { type Summary, Tally } from "../Summary.ts"
import type { Job } from "./Job.ts"

/** How a run is to be done. */
export interface Settings {
  readonly engine: Engine
  readonly planner: Planner.AnyPlanner
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  /** How often the store is asked whether a message was missed, in ms. */
  readonly pollMs: number
  /** After how many losses of its worker a node fails the run. */
  readonly maxAttempts: number
  /** After how many ms of silence a worker is taken for lost. */
  readonly leaseMs: number
  /** How other processes get at the stores; `undefined` if they cannot. */
  readonly stores: StoresReference | undefined
}

/** A run that was begun. */
export interface Started {
  readonly run: string
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  readonly tally: Tally
  /** How the run ended. Succeeds also if the run did not. */
  readonly outcome: Effect.Effect<Outcome>
  readonly cancel: (reason: string) => Effect.Effect<void, StoreError>
}

/** How a run ended, and what it took. */
export interface Outcome {
  readonly exit: Exit.Exit<unknown, RunFailed | RunCancelled | StoreError | EngineError>
  readonly summary: Summary
}

/** The id of a new run: readable, sortable by time. */
const newRunId = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`

/**
 * Plans a job and begins it. Messages go to `listener` from the beginning. When the scope closes, the run is over,
 * all its workers have ended, and nothing of it is left in the stores.
 */
export const start = Effect.fnUntraced(function* (
  job: Job,
  settings: Settings,
  listener: (message: Message) => void
) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const { engine } = settings
  const run = newRunId()
  const { graph } = job
  const plan = yield* makePlan(job, settings)
  const tally = new Tally(graph, countInstances(graph))
  const changed = Latch.makeUnsafe(false)
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Effect.ignore(coordination.remove(run)), Effect.ignore(objects.removeRun(run)))
  )
  yield* coordination.subscribe(run, CLIENT, (message) => {
    tally.add(message)
    listener(message)
    if (message.type === "ended" || message.type === "lost") changed.openUnsafe()
  })
  const workers = yield* Scope.fork(yield* Effect.scope)
  const invoker = yield* Scope.provide(
    engine.open({
      ...job,
      run,
      plan,
      behaviours: settings.behaviours,
      leaseMs: settings.leaseMs,
      stores: settings.stores
    }),
    workers
  )
  const document = encodeOnce(job, plan, settings)
  if (job.module !== undefined && engine.name !== "inline") {
    for (const { bytes, index } of document().stored) yield* objects.put(run, constantKey(index), bytes)
  }
  const begun = yield* coordination.begin(
    {
      run,
      workflow: job.name,
      document: () => document().document,
      ready: Flow.initial(graph).map((instance) => ({ instance, worker: Plan.workerOf(plan, instance) })),
      targets: [...graph.targets],
      instances: tally.total,
      leaseMs: settings.leaseMs,
      maxAttempts: settings.maxAttempts
    },
    CLIENT
  )
  const outcome = Deferred.makeUnsafe<Outcome>()
  const waited = Effect.gen(function* () {
    yield* handOn(run, begun, invoker)
    return yield* untilOver(run, invoker, changed, settings.pollMs)
  })
  yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(Effect.flatMap(waited, (state) => result(graph, state)))
    yield* Effect.exit(Scope.close(workers, exit))
    // Whoever waits is told how it ended, even if the store does not answer any more.
    const state = yield* Effect.catchCause(coordination.state(run), () =>
      Effect.succeed(unknown(run, job.name))
    )
    const summary = tally.summary({
      run,
      workflow: job.name,
      status: state.status,
      engine: engine.name,
      planner: plan.planner,
      makespanMs: (state.endedAt ?? state.begunAt) - state.begunAt,
      parallelism: engine.parallelism,
      notes: plan.notes
    })
    yield* Effect.exit(remember(summary, state, graph))
    yield* Deferred.succeed(outcome, { exit, summary })
  }).pipe(Effect.forkScoped)
  return {
    run,
    graph,
    plan,
    tally,
    outcome: Deferred.await(outcome),
    cancel: (reason) => coordination.cancel(run, reason)
  } satisfies Started
})

const makePlan = Effect.fnUntraced(function* (job: Job, { behaviours, planner }: Settings) {
  const plan = yield* Planner.run(planner, job.graph, Predictions.none)
  const known = new Set<AnyAnnotation>([
    ...planner.annotations,
    ...behaviours.map(({ annotation }) => annotation)
  ])
  yield* Effect.try({
    try: () => Plan.check(plan, job.graph, [...known]),
    catch: (error) => error as Plan.InvalidPlan
  })
  return plan
})

/** How many instances there are, before any list has been computed. */
export const countInstances = (graph: Graph.Graph): number =>
  graph.columns.scopeOf.reduce((sum, scope) => sum + (scope === 0 ? 1 : 0), 0)

/** The graph and plan as bytes, made when they are first asked for. */
const encodeOnce = (job: Job, plan: Plan.Plan, { behaviours }: Settings) => {
  const make = () => {
    const { bytes, stored } = GraphCodec.encode(job.graph)
    const document = {
      graph: bytes,
      plan: Plan.encode(plan),
      module: job.module ?? "",
      behaviours: behaviours.map(({ annotation, module }) => ({ module, annotation: annotation.annotation }))
    }
    return { document, stored }
  }
  let made: ReturnType<typeof make> | undefined
  return () => (made ??= make())
}

/** The state of a run that the store says nothing about. */
const unknown = (run: string, workflow: string): RunState => ({
  run,
  workflow,
  status: "gone",
  begunAt: 0,
  endedAt: undefined,
  heardAt: 0,
  completed: 0,
  instances: 0,
  failures: [],
  reason: undefined
})

/** The value that was asked for, or why there is none. */
const result = Effect.fnUntraced(function* (graph: Graph.Graph, state: RunState) {
  if (state.status === "cancelled")
    return yield* new RunCancelled({ run: state.run, reason: state.reason ?? "no reason given" })
  if (state.status !== "succeeded") {
    return yield* new RunFailed({
      run: state.run,
      workflow: state.workflow,
      failures: state.failures.map((failure) => named(graph, failure))
    })
  }
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const targets = [...graph.targets]
  const stored = yield* coordination.read(state.run, targets)
  const large = targets.filter((_, i) => stored[i] === "object")
  const fetched = large.length === 0 ? [] : yield* objects.get(state.run, large.map(valueKey))
  const bytes = new Map<Instance.InstanceId, Uint8Array>()
  for (const [i, value] of stored.entries()) if (value instanceof Uint8Array) bytes.set(targets[i]!, value)
  for (const [i, value] of fetched.entries()) if (value !== undefined) bytes.set(large[i]!, value)
  const values = new Map([...bytes].map(([target, encoded]) => [target, Codec.decode(encoded)]))
  return Arguments.fill(graph, graph.columns.targets, [], {
    value: (instance) => values.get(instance),
    constant: (index) => {
      const constant = graph.columns.constants[index]
      return constant !== undefined && "value" in constant ? constant.value : undefined
    }
  })
})

/** A store that recorded a failure by itself does not know the task. */
const named = (graph: Graph.Graph, failure: Failure.Failure): Failure.Failure => ({
  task: graph.name(Instance.nodeOf(failure.instance)),
  ...failure
})

const remember = Effect.fnUntraced(function* (summary: Summary, state: RunState, graph: Graph.Graph) {
  if (summary.status === "running" || summary.status === "gone") return
  const history = yield* History
  yield* history.record({
    version: 1,
    run: summary.run,
    workflow: summary.workflow,
    signature: GraphCodec.signature(graph),
    planner: summary.planner,
    engine: summary.engine,
    status: summary.status,
    begunAt: state.begunAt,
    makespanMs: summary.makespanMs,
    instances: summary.completed,
    tasks: summary.tasks
  })
})
