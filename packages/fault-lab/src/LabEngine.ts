/**
 * The laboratory's engine: each worker is a process of its own, which the adversary can get at. What runs in it is the
 * worker as it is, with its heartbeat.
 */
import type { Behaviour, Graph, InstanceId, Plan, TaskReference } from "@weft/core"
import { Coordination, ObjectStore } from "@weft/storage"
import {
  adoptAll,
  EngineError,
  Host,
  handOn,
  heartbeat,
  type Invocation,
  type Invoker,
  persistent,
  RunContext,
  context as taskContext,
  Worker
} from "@weft/worker"
import { Process, type World } from "@weft/worker/virtual"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Adversary } from "./Adversary.ts"
import type { Network } from "./Network.ts"

export interface EngineSettings {
  readonly parallelism: number
  /** How many workers may be active at once. */
  readonly places: number
  readonly fanOut: number
  readonly idleMs: number
  readonly payloadBytes: number
  /** Whether whoever invokes adopts in the name of the invoked, or each worker does that itself. */
  readonly adopts: boolean
  /**
   * Whether each worker says which invocation it is when it begins, also if somebody has adopted in its name: as where
   * invocations may come twice, late or not at all.
   */
  readonly begins: boolean
  /** Whether heartbeats take over what others lost. */
  readonly takes: boolean
  /** Whether heartbeats come from a thread of their own, so that they go on while a task blocks its process. */
  readonly beatsApart: boolean
  /** Whether the client's process sees that a worker's process has died, and says so. */
  readonly watches: boolean
  /** How long a process takes to start, in ms, at most. */
  readonly startMs: number
  /** How long a task takes, in ms, mostly at most. */
  readonly taskMs: number
}

/** What the run is, for all of its workers. */
export interface LabRun {
  readonly run: string
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  readonly tasks: ReadonlyMap<string, TaskReference>
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  readonly leaseMs: number
  /** A node whose task throws, or kills its process, each time. */
  readonly poison: { readonly node: number; readonly how: "throws" | "kills" } | undefined
}

/** What the task of a poisoned node throws. */
export const POISON = "this task always throws"

export class LabEngine {
  readonly processes = new Set<Process>()
  /** What a worker ended with that it should not have. */
  defect: string | undefined
  /** How many worker processes there were. */
  started = 0
  /** How often each task was begun, by how its instance is shown. */
  readonly executions = new Map<string, number>()
  private readonly world: World
  private readonly network: Network
  private readonly adversary: Adversary
  private readonly run: LabRun
  private readonly settings: EngineSettings
  private readonly client: () => Process
  private readonly places: Places

  constructor(
    parts: {
      readonly world: World
      readonly network: Network
      readonly adversary: Adversary
      readonly client: () => Process
    },
    run: LabRun,
    settings: EngineSettings
  ) {
    this.world = parts.world
    this.network = parts.network
    this.adversary = parts.adversary
    this.client = parts.client
    this.run = run
    this.settings = settings
    this.places = new Places(settings.places)
  }

  /** How a process invokes workers. */
  invokerOf(process: Process): Invoker {
    const { fanOut, idleMs, parallelism, payloadBytes } = this.settings
    return {
      parallelism,
      fanOut,
      idleMs,
      payloadBytes,
      worthMs: 0,
      invoke: (invocations) =>
        Effect.gen({ self: this }, function* () {
          const sent = this.settings.adopts
            ? yield* adoptAll(this.network.coordinationOf(process), this.run.run, invocations)
            : invocations
          for (const invocation of sent) yield* this.send(process, invocation)
        })
    }
  }

  /** The services that all fibers of a process have. */
  servicesOf(process: Process): Context.Context<Coordination | ObjectStore> {
    return Context.make(Coordination, this.network.coordinationOf(process)).pipe(
      Context.add(ObjectStore, this.network.objectsOf(process))
    )
  }

  private send(process: Process, invocation: Invocation): Effect.Effect<void, EngineError> {
    return Effect.callback<void, EngineError>((resume) => {
      if (!process.isAlive) return
      const { adversary, world } = this
      const fault = adversary.onInvocation()
      const done = (exit: Effect.Effect<void, EngineError>) =>
        world.after(this.network.latency(), () => process.deliver(() => resume(exit)))
      const arrives = (ms: number) => {
        this.network.inFlight++
        world.after(ms, () => {
          this.network.inFlight--
          this.arrive(invocation)
        })
      }
      world.note(
        () =>
          `${process.name} invokes ${invocation.worker} for ${invocation.work.map(({ instance }) => instance).join(" ")}` +
          `${invocation.spawn.length > 0 ? ` and ${invocation.spawn.length} more` : ""} ${fault?.kind ?? ""}`
      )
      const startMs = world.random() * this.settings.startMs
      if (process.isCut) {
        // Nobody hears of it, and the sender may not know.
        done(isClient(process) || world.random() < 0.5 ? Effect.void : Effect.fail(unreachable))
        return
      }
      switch (fault?.kind) {
        case "lose-invocation":
          break
        case "double-invocation":
          arrives(startMs)
          arrives(startMs + fault.forMs)
          break
        case "slow-invocation":
          arrives(startMs + fault.forMs)
          break
        case "refuse-invocation":
          if (isClient(process)) arrives(startMs)
          else {
            done(Effect.fail(unreachable))
            return
          }
          break
        default:
          arrives(startMs)
      }
      done(Effect.void)
    })
  }

  /** An invocation has come: a process is there for it, lives from now on, and works when it has a place. */
  private arrive(sent: Invocation) {
    const { adopted: _, ...bare } = sent
    const invocation = this.settings.begins ? bare : sent
    const { worker } = invocation
    const process = new Process(this.world, `${worker}/${++this.started}`)
    this.processes.add(process)
    process.onEnd(() => {
      this.processes.delete(process)
      this.places.leave(process)
      if (process.fate === "crashed" && this.settings.watches) this.report(worker)
    })
    const invoker = this.invokerOf(process)
    const services = this.servicesOf(process)
    const host = Host.of({
      idle: (waiting) =>
        Effect.suspend(() => {
          this.places.leave(process)
          return Effect.ensuring(waiting, this.places.take(process))
        }),
      guard: () => () => {}
    })
    const beside = this.settings.beatsApart
      ? new Process(this.world, `beside-${process.name}`, process)
      : process
    const taking = this.settings.takes
      ? { taker: `beside-${process.name}`, invoker: this.invokerOf(beside) }
      : undefined
    const life = Effect.andThen(
      this.places.take(process),
      Effect.suspend(() => Worker.run(this.contextOf(process), invocation, invoker))
    )
    const working = process.fork(life, Context.add(services, Host, host))
    const { leaseMs, run } = this.run
    const beating = beside.fork(heartbeat(run, leaseMs, new Set([worker]), taking), this.servicesOf(beside))
    beating.addObserver((exit) => {
      // Whoever is told that the run is over need not go on.
      if (Exit.isSuccess(exit)) process.deliver(() => working.interruptUnsafe())
    })
    working.addObserver((exit) => {
      if (beside === process) beating.interruptUnsafe()
      if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) {
        this.defect ??= `${process.name} ended with a defect: ${Cause.pretty(exit.cause)}`
      }
      this.world.note(
        () => `${process.name} exit ${Exit.isSuccess(exit) ? "" : Cause.pretty(exit.cause).slice(0, 200)}`
      )
      process.end()
    })
  }

  /** A worker's process is taken for dead, although it lives. */
  falseAlarm({ name }: Process): void {
    this.report(name.slice(0, name.indexOf("/")))
  }

  /** The client's process notices that a worker's process has died. */
  private report(worker: string) {
    const client = this.client()
    if (!client.isAlive) return
    const invoker = this.invokerOf(client)
    client.after(5, () => {
      const reported = Effect.gen({ self: this }, function* () {
        const coordination = persistent(yield* Coordination)
        const reply = yield* coordination.abandon(this.run.run, [worker], "engine", "its process died")
        yield* handOn(this.run.run, reply, invoker)
      })
      client.fork(Effect.ignore(reported), this.servicesOf(client))
    })
  }

  /** What a process knows of the run, with tasks that take some time there. */
  private contextOf(process: Process): RunContext {
    const { behaviours, graph, plan, run, tasks } = this.run
    const slow = new Map(
      [...tasks].map(([name, reference]) => [name, { ...reference, run: this.slow(process, reference) }])
    )
    return new RunContext({ run, graph, plan, tasks: slow, behaviours })
  }

  /** The same task, taking virtual time. */
  private slow(process: Process, { run }: TaskReference): TaskReference["run"] {
    const { adversary, world } = this
    const { leaseMs, poison } = this.run
    return (...args) => {
      const fault = adversary.onTask()
      const label = taskContext().node
      const node = poison === undefined ? undefined : nodeOf(label)
      this.executions.set(label, (this.executions.get(label) ?? 0) + 1)
      world.note(() => `${process.name} runs ${label} ${fault?.kind ?? ""}`)
      if (fault?.kind === "stall-in-task") process.stall(fault.forMs)
      if (fault?.kind === "crash-in-task") process.crash()
      // Whoever dies after the run was removed may leave an object behind: nobody looks for it any more.
      if (node !== undefined && node === poison?.node && poison.how === "kills" && !this.network.isRemoved)
        process.crash()
      const result = () => {
        if (node !== undefined && node === poison?.node) throw new Error(POISON)
        return run(...args)
      }
      const kind = world.random()
      if (kind < 0.2) return result()
      const ms = kind < 0.97 ? world.random() * this.settings.taskMs : world.random() * 3 * leaseMs
      return new Promise((resolve, reject) => {
        process.after(ms, () => {
          world.settled = true
          try {
            const given = result()
            resolve(isGenerator(given) ? [...given] : given)
          } catch (error) {
            reject(error)
          }
        })
      })
    }
  }
}

const isGenerator = (value: unknown): value is Generator =>
  typeof value === "object" && value !== null && Symbol.iterator in value && "next" in value

const isClient = ({ name }: Process) => name.startsWith("client/")

const unreachable = new EngineError({ engine: "lab", detail: "nobody can be reached" })

/** The node's id in how an instance is shown: `mix#17[3]`. */
const nodeOf = (label: string): InstanceId => Number.parseInt(label.slice(label.lastIndexOf("#") + 1), 10)

/** Places for workers: who comes first is served first. */
class Places {
  private free: number
  private readonly having = new Set<Process>()
  private waiting: Array<{ readonly process: Process; readonly go: () => void }> = []

  constructor(count: number) {
    this.free = count
  }

  take(process: Process): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      process.waits.add("a place")
      const one = {
        process,
        go: () =>
          process.deliver(() => {
            process.waits.delete("a place")
            resume(Effect.void)
          })
      }
      this.waiting.push(one)
      this.serve()
      return Effect.sync(() => {
        process.waits.delete("a place")
        this.waiting = this.waiting.filter((other) => other !== one)
      })
    })
  }

  leave(process: Process): void {
    this.waiting = this.waiting.filter((one) => one.process !== process)
    if (!this.having.delete(process)) return
    this.free++
    this.serve()
  }

  private serve() {
    while (this.free > 0 && this.waiting.length > 0) {
      const { go, process } = this.waiting.shift()!
      this.free--
      this.having.add(process)
      go()
    }
  }
}
