/**
 * Runs one workflow in the laboratory, and says whether all promises were kept.
 */
import { isDeepStrictEqual } from "node:util"
import { type Behaviour, Codec, type Failure, Flow, GraphBuilder, Instance, Plan } from "@weft/core"
import { CLIENT, Coordination, ObjectStore, type RunState } from "@weft/storage"
import {
  Arguments,
  handOn,
  persistent,
  persistentObjects,
  RunContext,
  untilOver,
  valueKey
} from "@weft/worker"
import { memoryStores, Process, type Stop, World } from "@weft/worker/virtual"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import { Adversary, type FaultKind, type Mischief } from "./Adversary.ts"
import { type EngineSettings, LabEngine, POISON } from "./LabEngine.ts"
import { Monitor } from "./Monitor.ts"
import { Network } from "./Network.ts"

/** What is run, and what happens meanwhile. */
export interface Scenario {
  /** Makes the nodes, anew each time. */
  readonly build: () => unknown
  /** What that must give. */
  readonly expected: unknown
  readonly plan: (graph: GraphBuilder.Built["graph"]) => Partial<Plan.Plan>
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  readonly settings: EngineSettings & {
    readonly leaseMs: number
    readonly pollMs: number
    readonly latencyMs: number
    readonly inlineBytes: number
  }
  readonly mischief: Mischief
  /** Whether one of the tasks throws each time, or kills whoever runs it; and which of them, counted around. */
  readonly poison: { readonly how: "throws" | "kills"; readonly index: number } | undefined
  /** Decides what the faults leave open: how long calls and tasks take, and in which order things happen. */
  readonly chance: number
}

/** Replaces the store: for controls that must fail. */
export type Break = (store: Coordination["Service"]) => Coordination["Service"]

export interface Verdict {
  /** What went wrong; `undefined` if all is as promised. */
  readonly problem: string | undefined
  readonly trace: ReadonlyArray<string>
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly calls: number
  readonly instances: number
  readonly processes: number
  /** How long it took in virtual time, in ms. */
  readonly ms: number
}

interface Ended {
  readonly state: RunState
  readonly value: unknown
}

const RUN = "run"
/** A loss is never the reason of a failure, unless a task kills. */
const ANY_ATTEMPTS = 1_000_000
const KILLS = 4
/** So few are enough where only invocations are lost, doubled or late: that costs no run an attempt. */
const NO_LOSSES = 1
/** Where few losses are allowed: a start that takes longer than the lease, or waits for a place, counts like one. */
const PROMPT_START_MS = 20
const MANY_PLACES = 64
const PROMPT_STARTS = { startMs: 1, places: MANY_PLACES, fanOut: 100 }
/** Far more than any run should need. */
const LIMITS = { ms: 300_000, steps: 200_000 }
/** How long the client is away before another one comes, in ms, at most. */
const CLIENT_AWAY_MS = 3000

export const simulate = async (
  scenario: Scenario,
  options: { readonly trace?: boolean; readonly broken?: Break } = {}
): Promise<Verdict> => {
  const laboratory = new Laboratory(scenario, options)
  return laboratory.run()
}

class Laboratory {
  private readonly scenario: Scenario
  private readonly world: World
  private readonly built: GraphBuilder.Built
  private readonly plan: Plan.Plan
  private readonly poison: number | undefined
  private readonly kills: boolean
  private readonly monitor: Monitor
  private readonly adversary: Adversary
  private readonly network: Network
  private readonly engine: LabEngine
  private readonly real: {
    readonly coordination: Coordination["Service"]
    readonly objects: ObjectStore["Service"]
  }
  /** The client that came last, of those that wait. */
  private client: Process
  private readonly waiting = new Set<Process>()
  private clients = 0
  private ended: Ended | undefined
  private problem: string | undefined

  constructor(scenario: Scenario, { broken, trace }: { readonly trace?: boolean; readonly broken?: Break }) {
    this.scenario = scenario
    const world = new World(scenario.chance, trace)
    this.world = world
    this.built = GraphBuilder.make(scenario.build(), "lab")
    const { graph, tasks } = this.built
    this.poison = poisonOf(this.built, scenario.poison)
    this.kills = this.poison !== undefined && scenario.poison?.how === "kills"
    const planned = this.kills ? {} : scenario.plan(graph)
    this.plan = Plan.make("lab", planned)
    this.client = new Process(world, "client/0")
    this.real = memoryStores(this.client)
    const { behaviours } = scenario
    const context = new RunContext({ run: RUN, graph, plan: this.plan, tasks, behaviours })
    const { coordination, objects } = this.real
    this.monitor = new Monitor(broken === undefined ? coordination : broken(coordination), context)
    const mischief = this.kills
      ? { faults: [], rates: { calls: 0, invocations: 0, messages: 0 } }
      : scenario.mischief
    this.adversary = new Adversary(world, mischief, {
      workers: () => [...this.engine.processes],
      clients: () => [...this.waiting],
      secondClient: () => {
        if (!this.adversary.sparesClient && !this.network.isRemoved) this.nextClient()
      },
      falseAlarm: (process) => this.engine.falseAlarm(process)
    })
    const settings = this.kills ? { ...scenario.settings, ...PROMPT_STARTS } : scenario.settings
    this.network = new Network(
      world,
      { coordination: this.monitor.coordination, objects },
      this.adversary,
      settings
    )
    this.engine = new LabEngine(
      { world, network: this.network, adversary: this.adversary, client: () => this.client },
      {
        run: RUN,
        graph,
        plan: this.plan,
        tasks,
        behaviours,
        leaseMs: settings.leaseMs,
        poison: this.poison === undefined ? undefined : { node: this.poison, how: scenario.poison!.how }
      },
      settings
    )
  }

  async run(): Promise<Verdict> {
    this.startClient(this.client)
    const stop = await this.world.go(() => this.ended !== undefined || this.broken() !== undefined, LIMITS)
    this.problem ??= this.broken()
    if (stop !== "done") this.problem ??= `the run hangs (${stop})\n${this.dump()}`
    if (this.problem === undefined) this.judge(this.ended!)
    if (this.problem === undefined) await this.afterwards()
    return {
      problem: this.problem,
      trace: renamed(this.world.trace ?? []),
      faults: this.adversary.done,
      calls: this.network.calls,
      instances: this.monitor.commits.size,
      processes: this.engine.started,
      ms: this.world.now
    }
  }

  private get maxAttempts(): number {
    if (this.kills) return KILLS
    const { mischief, settings } = this.scenario
    const isHarmless = mischief.rates.calls === 0 && mischief.faults.every(({ kind }) => LOSSY.includes(kind))
    return isHarmless && settings.adopts && settings.begins ? NO_LOSSES : ANY_ATTEMPTS
  }

  private broken(): string | undefined {
    return this.problem ?? this.monitor.violation ?? this.engine.defect
  }

  private nextClient() {
    this.client = new Process(this.world, `client/${++this.clients}`)
    this.world.note(() => `${this.client.name} comes`)
    this.startClient(this.client)
  }

  /** A client begins the run, or finds it; when the last one dies, another one comes after a while. */
  private startClient(process: Process) {
    this.waiting.add(process)
    process.onEnd(() => {
      this.waiting.delete(process)
      if (process.fate !== "crashed" || this.waiting.size > 0) return
      this.world.after(this.world.random() * CLIENT_AWAY_MS, () => this.nextClient())
    })
    const waiting = process.fork(this.wait(process), this.engine.servicesOf(process))
    waiting.addObserver((exit) => {
      if (Exit.isFailure(exit)) this.problem ??= `the client ended with ${Cause.pretty(exit.cause)}`
      else if (exit.value !== undefined) this.ended ??= exit.value
      process.end()
    })
  }

  private wait(process: Process) {
    const { graph } = this.built
    const { leaseMs, pollMs } = this.scenario.settings
    const self = this
    return Effect.gen(function* () {
      const coordination = persistent(yield* Coordination)
      const objects = persistentObjects(yield* ObjectStore)
      const invoker = self.engine.invokerOf(process)
      const changed = Latch.makeUnsafe(false)
      yield* coordination.subscribe(RUN, CLIENT, () => changed.openUnsafe())
      const known = yield* coordination.state(RUN)
      if (known.status === "gone") {
        // Another client was faster.
        if (self.network.isRemoved) return
        const begun = yield* coordination.begin(
          {
            run: RUN,
            workflow: "lab",
            document: () => ({ graph: NOTHING, plan: NOTHING, module: "", behaviours: [] }),
            ready: Flow.initial(graph).map((instance) => ({
              instance,
              worker: Plan.workerOf(self.plan, instance)
            })),
            targets: [...graph.targets],
            instances: graph.columns.scopeOf.reduce((sum, scope) => sum + (scope === 0 ? 1 : 0), 0),
            leaseMs,
            maxAttempts: self.maxAttempts
          },
          CLIENT
        )
        yield* handOn(RUN, begun, invoker)
      }
      const waited = untilOver(RUN, invoker, changed, pollMs)
      const state = yield* Effect.provideService(waited, Coordination, coordination)
      // Who dies now takes the result with it, and another one finds the run gone: that is not what is tested.
      self.adversary.sparesClient = true
      const value = state.status === "succeeded" ? yield* self.result(coordination, objects) : undefined
      // Another client has seen the end, and removed the run.
      const isLate = self.network.isRemoved
      yield* coordination.remove(RUN)
      yield* objects.removeRun(RUN)
      return isLate ? undefined : { state, value }
    }).pipe(Effect.scoped)
  }

  private *result(
    coordination: Coordination["Service"],
    objects: ObjectStore["Service"]
  ): Effect.fn.Return<unknown, unknown> {
    const { graph } = this.built
    const targets = [...graph.targets]
    const stored = yield* coordination.read(RUN, targets)
    const large = yield* objects.get(RUN, targets.map(valueKey))
    const values = new Map<Instance.InstanceId, unknown>()
    for (const [i, target] of targets.entries()) {
      const bytes = stored[i] === "object" ? large[i] : stored[i]
      if (!(bytes instanceof Uint8Array)) return new Missing(target)
      values.set(target, Codec.decode(bytes))
    }
    return Arguments.fill(graph, graph.columns.targets, [], {
      value: (instance) => values.get(instance),
      constant: (index) => {
        const constant = graph.columns.constants[index]
        return constant !== undefined && "value" in constant ? constant.value : undefined
      }
    })
  }

  /** Whether the run has ended as it should. */
  private judge({ state, value }: Ended) {
    const { failures, status } = state
    if (this.poison !== undefined) {
      const reason = this.unexpected(state)
      if (reason !== undefined) this.problem = reason
      return
    }
    if (status !== "succeeded") this.problem = `the run ${status}: ${failures.map(shownFailure).join("; ")}`
    else if (value instanceof Missing) this.problem = `the value of target ${value.target} was not kept`
    else if (!isDeepStrictEqual(value, this.scenario.expected)) {
      this.problem = `the result is ${shown(value)}, not ${shown(this.scenario.expected)}`
    } else if (this.monitor.commits.size !== state.completed)
      this.problem = `${state.completed} commits are counted, but ${this.monitor.commits.size} were accepted`
    else if (this.adversary.count === 0) this.problem = this.needless()
  }

  /** What was done for nothing, in a run in which nothing went wrong. */
  private needless(): string | undefined {
    const { losses } = this.monitor
    const { places, startMs } = this.scenario.settings
    const isPrompt = startMs <= PROMPT_START_MS && places >= MANY_PLACES
    if (losses > 0)
      return isPrompt ? `nothing went wrong, but ${losses} workers were taken for lost` : undefined
    const twice = [...this.engine.executions].find(([, count]) => count > 1)
    return twice === undefined ? undefined : `nothing went wrong, but ${twice[0]} was run ${twice[1]} times`
  }

  /** Why a run with a poisoned task has not ended in its failure. */
  private unexpected({ failures, status }: RunState): string | undefined {
    const { how } = this.scenario.poison!
    if (status !== "failed") return `a task ${how}, and the run ${status}`
    const [first] = failures
    const node = first === undefined ? -1 : Instance.nodeOf(first.instance)
    if (how === "throws") {
      return failures.every(({ kind, message }) => kind === "error" && message === POISON) &&
        node === this.poison
        ? undefined
        : `node ${this.poison} throws, but the failures are ${failures.map(shownFailure).join("; ")}`
    }
    // What a worker held is lost with it: also what came before, and was not told.
    return first?.kind === "lost" && this.leadsTo(node, this.poison!)
      ? undefined
      : `node ${this.poison} kills its workers, but the failures are ${failures.map(shownFailure).join("; ")}`
  }

  private leadsTo(from: number, to: number): boolean {
    const { parents } = this.built.graph
    const before = new Set([to])
    for (const node of before)
      for (let i = parents.start[node]!; i < parents.start[node + 1]!; i++) before.add(parents.list[i]!)
    return before.has(from)
  }

  /** Nothing more goes wrong; everybody must come to an end, and nothing may be left. */
  private async afterwards() {
    this.adversary.isActive = false
    this.adversary.awayUntil = 0
    for (const process of [...this.engine.processes, ...this.waiting]) process.cutUntil = 0
    const { engine, network, waiting } = this
    const isOver = () => engine.processes.size + waiting.size + network.inFlight === 0
    const stop: Stop = await this.world.go(() => isOver() || this.broken() !== undefined, LIMITS)
    this.problem ??= this.broken()
    if (stop !== "done") this.problem ??= `workers go on after the end (${stop})\n${this.dump()}`
    const entries = Effect.runSync(this.real.coordination.usage)
    const objects = Effect.runSync(this.real.objects.usage)
    if (entries + objects > 0)
      this.problem ??= `${entries} entries and ${objects} objects are left after the run was removed`
  }

  /** What everybody waits for. */
  private dump(): string {
    const { completed, instances, status } = Effect.runSync(this.real.coordination.state(RUN))
    const lines = [`at ${this.world.now.toFixed(1)} ms: ${status}, ${completed} of ${instances} complete`]
    for (const { fate, name, waits } of [...this.waiting, ...this.engine.processes]) {
      lines.push(`  ${name} (${fate}) waits for ${[...waits].join(", ") || "a timer, a task or a message"}`)
    }
    return renamed(lines).join("\n")
  }
}

class Missing {
  readonly target: number
  constructor(target: number) {
    this.target = target
  }
}

/** The poisoned node: one that is run in any case, however long the lists are. */
const poisonOf = ({ graph }: GraphBuilder.Built, poison: Scenario["poison"]): number | undefined => {
  if (poison === undefined) return
  const { parents } = graph
  const needed = new Set(graph.targets)
  for (const node of needed) {
    for (let i = parents.start[node]!; i < parents.start[node + 1]!; i++) {
      const parent = parents.list[i]!
      if (graph.columns.scopeOf[parent] === 0) needed.add(parent)
    }
  }
  const calls = [...needed].filter((id) => graph.kind(id) === "call")
  return calls.length === 0 ? undefined : calls[poison.index % calls.length]
}

const shown = (value: unknown) =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? `${one}n` : one))

const shownFailure = ({ instance, kind, message }: Failure.Failure) => `${instance} ${kind}: ${message}`

/** What may happen to invocations, as on a service that only promises to try. */
const LOSSY: ReadonlyArray<FaultKind> = ["lose-invocation", "double-invocation", "slow-invocation"]

/** Names made up at random become the same in each repetition. */
const renamed = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = new Map<string, string>()
  return lines.map((line) =>
    line.replaceAll(/\bw-[0-9a-z]{4,8}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, (name) => {
      const known = names.get(name) ?? `${name.startsWith("w-") ? "w" : "i"}${names.size}`
      names.set(name, known)
      return known
    })
  )
}

const NOTHING = new Uint8Array()
