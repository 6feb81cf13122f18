/**
 * One run in a virtual world: workers as they are, on stores and machines that take as long as is predicted.
 */
import {
  type Behaviour,
  Flow,
  Instance,
  type InstanceId,
  Plan,
  type Predictions,
  type TaskReference
} from "@weft/core"
import { CLIENT, Coordination, ObjectStore, type Reply } from "@weft/storage"
import {
  adoptAll,
  Host,
  type Invocation,
  type Invoker,
  invocationsFor,
  RunContext,
  Sizes,
  context as taskContext,
  Worker
} from "@weft/worker"
import { Process, World } from "@weft/worker/virtual"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { coreShare } from "../Environment.ts"
import type { Model } from "../Model.ts"
import { type Asking, type Site, startOf } from "../Predicted.ts"
import { Sites } from "./Sites.ts"
import * as StandIns from "./StandIns.ts"
import { Stores } from "./Stores.ts"

/** What is simulated. */
export interface Simulated {
  readonly model: Model
  readonly plan: Plan.Plan
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
}

/** A worker of a simulated run. Flexible ones are named by the order in which they began. */
export interface SimulatedWorker {
  readonly name: string
  readonly isNamed: boolean
  /** In MiB. */
  readonly memory: number
  readonly isCold: boolean
  /** When it was invoked, could begin, and left; in ms from the first invocation. */
  readonly sentMs: number
  readonly beganMs: number
  readonly toMs: number
}

/** An instance of a simulated run, in ms from the first invocation. */
export interface SimulatedInstance {
  readonly instance: InstanceId
  /** The task's name, or what kind of node it is. */
  readonly task: string
  readonly worker: string
  readonly startMs: number
  /** When its inputs were there, and when its function had returned. */
  readonly executeMs: number
  readonly endMs: number
}

/** What became of a simulated run. */
export interface Outcome {
  readonly makespanMs: number
  readonly workers: ReadonlyArray<SimulatedWorker>
  readonly instances: ReadonlyArray<SimulatedInstance>
  readonly coldStarts: number
  readonly gbSeconds: number
  readonly invocations: number
  /** Calls of coordination and of the object store; and objects. */
  readonly roundTrips: number
  readonly objectReads: number
  readonly objectWrites: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

const RUN = "simulated"
/** Far more than a run may take: 30 days, and so many timers for each instance. */
const LIMITS = { ms: 30 * 86_400_000, stepsEach: 5000, steps: 1_000_000 }
const MB_MS_PER_GB_S = 1_024_000

/** @param seed decides what `ask` leaves open */
export const run = (simulated: Simulated, ask: Asking, seed: number): Promise<Outcome> =>
  new SimulatedRun(simulated, ask, seed).run()

interface Running {
  readonly name: string
  readonly process: Process
  readonly memory: number
  readonly isCold: boolean
  readonly isNamed: boolean
  readonly sentMs: number
  readonly beganMs: number
  toMs: number | undefined
}

class SimulatedRun {
  private readonly simulated: Simulated
  private readonly ask: Asking
  private readonly world: World
  private readonly stores: Stores
  private readonly client: Process
  private readonly sites: Sites
  private readonly context: RunContext
  private readonly sizes: Sizes
  /** Whether workers have sizes. */
  private readonly isSized: boolean
  private readonly workers: Array<Running> = []
  /** By the worker's id, its last incarnation. */
  private readonly running = new Map<string, Running>()
  private readonly names = new Map<string, string>()
  private readonly instances: Array<SimulatedInstance> = []
  private firstMs: number | undefined
  private endMs: number | undefined
  private problem: string | undefined
  private invocations = 0

  constructor(simulated: Simulated, ask: Asking, seed: number) {
    this.simulated = simulated
    this.ask = ask
    this.world = new World(seed)
    this.client = new Process(this.world, "client")
    this.stores = new Stores(this.client, ask, simulated.model.environment.inlineBytes)
    const { behaviours, model, plan } = simulated
    const { environment, graph, predictions } = model
    this.sizes = new Sizes(graph, plan)
    this.isSized = environment.coreMiB > 0
    this.sites = new Sites(this.world, environment, (memory) => predictions.warm(memory), this.sizes.all())
    this.context = new RunContext({
      run: RUN,
      graph,
      plan,
      behaviours,
      codec: StandIns.codec,
      tasks: new Map(graph.columns.tasks.map(({ name, options }) => [name, this.task(name, options)]))
    })
  }

  async run(): Promise<Outcome> {
    const { coordination } = this.stores.real
    const scope = Scope.makeUnsafe()
    Effect.runSync(
      Scope.provide(
        coordination.subscribe(RUN, CLIENT, (message) => {
          if (message.type === "completed") this.completed(message.worker, message.completions)
          if (message.type === "ended") this.endMs ??= this.world.now
        }),
        scope
      )
    )
    const begun = this.client.fork(this.begin(), Context.empty() as Context.Context<never>)
    begun.addObserver((exit) => {
      if (Exit.isFailure(exit)) this.problem ??= Cause.pretty(exit.cause)
    })
    const { size } = this.simulated.model.unrolled
    const steps = LIMITS.steps + LIMITS.stepsEach * size
    const stop = await this.world.go(() => this.endMs !== undefined || this.problem !== undefined, {
      ms: LIMITS.ms,
      steps
    })
    const { failures, status } = Effect.runSync(coordination.state(RUN))
    if (this.problem === undefined && stop !== "done")
      this.problem = `the simulated run does not end (${stop})`
    if (status === "failed") this.problem ??= failures.map(({ message }) => message).join("; ")
    for (const one of this.workers) one.process.end()
    this.client.end()
    Effect.runSync(Scope.close(scope, Exit.void))
    if (this.problem !== undefined) throw new Error(this.problem)
    return this.outcome()
  }

  private outcome(): Outcome {
    const first = this.firstMs ?? 0
    const end = this.endMs ?? this.world.now
    const { startMs } = this.ask
    let gbSeconds = 0
    const workers = this.workers.map(({ beganMs, isCold, isNamed, memory, name, sentMs, toMs = end }) => {
      const cold = isCold ? Math.max(0, startMs("cold", memory) - startMs("warm", memory)) : 0
      gbSeconds += ((toMs - beganMs + cold) * memory) / MB_MS_PER_GB_S
      return {
        name,
        isNamed,
        memory,
        isCold,
        sentMs: sentMs - first,
        beganMs: beganMs - first,
        toMs: toMs - first
      }
    })
    return {
      makespanMs: end - first,
      workers,
      instances: this.instances,
      coldStarts: this.sites.coldStarts,
      gbSeconds,
      invocations: this.invocations,
      ...this.stores.counts
    }
  }

  // The client.

  private begin() {
    const { graph } = this.simulated.model
    const { plan } = this.simulated
    const coordination = this.stores.coordinationOf(this.client, CLIENT_START)
    const invoker = this.invokerOf(this.client)
    return Effect.gen(function* () {
      const begun: Reply = yield* coordination.begin(
        {
          run: RUN,
          workflow: graph.columns.name,
          document: () => ({ graph: NOTHING, plan: NOTHING, module: "", behaviours: [] }),
          ready: Flow.initial(graph).map((instance) => ({ instance, worker: Plan.workerOf(plan, instance) })),
          targets: [...graph.targets],
          instances: graph.size,
          leaseMs: Number.POSITIVE_INFINITY,
          maxAttempts: 1
        },
        CLIENT
      )
      yield* invoker.invoke(invocationsFor(RUN, begun, invoker))
    })
  }

  private completed(
    worker: string,
    completions: ReadonlyArray<{
      readonly instance: InstanceId
      readonly measure: {
        readonly startedAt: number
        readonly inputsMs: number
        readonly executionMs: number
      }
    }>
  ) {
    const first = this.firstMs ?? 0
    const name = this.running.get(worker)?.name ?? worker
    for (const { instance, measure } of completions) {
      const { executionMs, inputsMs, startedAt } = measure
      this.instances.push({
        instance,
        task: this.simulated.model.graph.name(Instance.nodeOf(instance)),
        worker: name,
        startMs: startedAt - inputsMs - first,
        executeMs: startedAt - first,
        endMs: startedAt + executionMs - first
      })
    }
  }

  // Workers.

  private invokerOf(process: Process, site?: Site): Invoker {
    const start = site?.start ?? CLIENT_START
    const { concurrency, fanOut, idleMs, payloadBytes, sendsAtOnce, worthMs } =
      this.simulated.model.environment
    return {
      parallelism: concurrency,
      fanOut,
      idleMs,
      payloadBytes,
      worthMs,
      sizes: this.isSized ? this.sizes : undefined,
      memoryMiB: this.isSized ? site?.memory : undefined,
      invoke: (invocations) =>
        Effect.flatMap(adoptAll(this.stores.coordinationOf(process, start), RUN, invocations), (adopted) =>
          Effect.forEach(adopted, (one) => this.send(process, start, one), {
            concurrency: Number.isFinite(sendsAtOnce) ? sendsAtOnce : "unbounded",
            discard: true
          })
        ),
      prewarm: (memory, workers) => Effect.sync(() => this.prewarm(memory, workers))
    }
  }

  private send(process: Process, start: Predictions.Start, invocation: Invocation): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const sentMs = this.world.now
      this.firstMs ??= sentMs
      this.invocations++
      const { memoryMiB, named, work, worker } = invocation
      const memory =
        memoryMiB ??
        (named ? this.sizes.ofWorker(worker) : this.sizes.most(work.map(({ instance }) => instance)))
      this.sites.enter(() => {
        const isCold = !this.sites.take(memory)
        this.world.after(this.ask.startMs(startOf({ isCold }), memory), () =>
          this.arrive(invocation, { memory, isCold, sentMs })
        )
      })
      process.after(this.ask.invokeMs(start), () => resume(Effect.void))
    })
  }

  private arrive(
    invocation: Invocation,
    { isCold, memory, sentMs }: { readonly isCold: boolean; readonly memory: number; readonly sentMs: number }
  ) {
    const { named, worker } = invocation
    const name = named ? worker : this.nameOf(worker)
    const process = new Process(this.world, name)
    const one: Running = {
      name,
      process,
      memory,
      isCold,
      isNamed: named,
      sentMs,
      beganMs: this.world.now,
      toMs: undefined
    }
    this.workers.push(one)
    this.running.set(worker, one)
    const site: Site = { memory, start: startOf(one) }
    const { leavesPlace } = this.simulated.model.environment
    const host = Host.of({
      idle: (waiting) =>
        leavesPlace
          ? Effect.suspend(() => {
              this.sites.leave()
              return Effect.ensuring(waiting, this.enter(process))
            })
          : waiting,
      guard: () => () => {}
    })
    const services = Context.make(Coordination, this.stores.coordinationOf(process, site.start)).pipe(
      Context.add(ObjectStore, this.stores.objectsOf(process, site)),
      Context.add(Host, host)
    )
    const working = process.fork(
      Worker.run(this.context, invocation, this.invokerOf(process, site)),
      services
    )
    working.addObserver((exit) => {
      if (!process.isAlive) return
      if (Exit.isFailure(exit)) this.problem ??= Cause.pretty(exit.cause)
      one.toMs = this.world.now
      process.end()
      this.sites.free(memory)
      this.sites.leave()
    })
  }

  private nameOf(worker: string): string {
    const known = this.names.get(worker) ?? `flexible-${this.names.size + 1}`
    this.names.set(worker, known)
    return known
  }

  private enter(process: Process): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      this.sites.enter(() => process.deliver(() => resume(Effect.void)))
    })
  }

  private prewarm(memory: number, workers: number) {
    const missing = this.sites.missing(memory, workers)
    this.invocations += missing
    for (let i = 0; i < missing; i++)
      this.world.after(this.ask.startMs("cold", memory), () => this.sites.free(memory))
  }

  // Tasks.

  /** A task that takes as long as is predicted, and gives a value as large as is predicted. */
  private task(name: string, options: TaskReference["options"]): TaskReference {
    return {
      name,
      options,
      run: () => {
        const { node: label, worker } = taskContext()
        const node = Number.parseInt(label.slice(label.lastIndexOf("#") + 1), 10)
        const one = this.running.get(worker)!
        const { memory, process } = one
        const { model } = this.simulated
        const value = StandIns.of(model, node, model.outputBytes[node]!)
        const share = coreShare(model.environment, memory)
        const shape = { inputBytes: model.inputBytes[node]!, memory, share, start: startOf(one) }
        const whole = this.ask.executionMs(model.graph, node, shape) ?? model.environment.figures.executionMs
        if (whole === 0) return value
        const processor = this.ask.processorMs(model.graph, node, shape)
        const computing = processor === undefined ? whole : Math.min(whole, processor / share)
        return new Promise((resolve) => {
          const done = () =>
            process.deliver(() => {
              this.world.settled = true
              resolve(value)
            })
          const compute = () => this.sites.compute(share, computing, done)
          if (computing === 0) this.world.after(whole, done)
          else if (computing < whole) this.world.after(whole - computing, compute)
          else compute()
        })
      }
    }
  }
}

const NOTHING = new Uint8Array()
/** A client runs before its run begins. */
const CLIENT_START = "warm"
