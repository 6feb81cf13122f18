/**
 * Runs graphs on an engine as a client does, with stores of its own, and looks at what is left afterwards.
 *
 * Every run checks what must hold of all runs: nothing is left in the stores, and no worker runs on.
 */
import {
  type Behaviour,
  Codec,
  type Failure,
  Flow,
  GraphBuilder,
  GraphCodec,
  type Instance,
  Plan
} from "@weft/core"
import {
  CLIENT,
  Coordination,
  CoordinationMemory,
  type Message,
  ObjectStore,
  type StoresReference,
  Streams,
  StreamsMemory
} from "@weft/storage"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { Arguments, constantKey, type Engine, handOn, untilOver, valueKey } from "../src/index.ts"

/** What a plan says of nodes, by their ids or by the names of their tasks. */
export type Plans = (graph: GraphBuilder.Built["graph"]) => Partial<Plan.Plan>

export interface Settings {
  readonly engine: Engine
  readonly plan?: Plans
  /** The module that exports the tasks. */
  readonly module?: string
  readonly behaviours?: ReadonlyArray<Behaviour.Behaviour>
  readonly maxAttempts?: number
  /** Stores that lose or delay something. */
  readonly coordination?: (real: Coordination["Service"]) => Coordination["Service"]
  readonly objects?: (real: ObjectStore["Service"]) => ObjectStore["Service"]
  /** Default: the usual patience with producers and readers. */
  readonly lifeMs?: number
  readonly streams?: (real: Streams["Service"]) => Streams["Service"]
  readonly onMessage?: (message: Message, cancel: (reason: string) => void) => void
  /** Stores that other processes get at, too. Default: stores of its own for each run. */
  readonly shared?: {
    readonly services: Context.Context<Coordination | ObjectStore | Streams>
    readonly reference: StoresReference
  }
  /** Default: leases do not run out. */
  readonly leaseMs?: number
}

export interface Ended {
  readonly status: string
  readonly value: unknown
  readonly failures: ReadonlyArray<Failure.Failure>
  readonly messages: ReadonlyArray<Message>
  readonly graph: GraphBuilder.Built["graph"]
}

let runs = 0

/** Runs a nesting of nodes to its end, whatever that is. */
export const end = (targets: unknown, settings: Settings): Promise<Ended> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const real = { coordination: yield* Coordination, objects: yield* ObjectStore, streams: yield* Streams }
      const coordination = settings.coordination?.(real.coordination) ?? real.coordination
      const objects = settings.objects?.(real.objects) ?? real.objects
      const ended = yield* Effect.scoped(client(targets, settings)).pipe(
        Effect.provideService(Coordination, coordination),
        Effect.provideService(ObjectStore, objects),
        Effect.provideService(Streams, settings.streams?.(real.streams) ?? real.streams)
      )
      expect([yield* real.coordination.usage, yield* real.objects.usage, yield* real.streams.usage]).toEqual([
        0, 0, 0
      ])
      return ended
    }).pipe(
      Effect.provide(
        settings.shared === undefined
          ? Layer.fresh(
              Layer.mergeAll(
                CoordinationMemory.layer,
                ObjectStore.layerMemory,
                StreamsMemory.layerOf(settings)
              )
            )
          : Layer.succeedContext(settings.shared.services)
      )
    )
  )

/** Runs a nesting of nodes that must succeed, and gives the value. */
export const value = async (targets: unknown, settings: Settings): Promise<unknown> => {
  const ended = await end(targets, settings)
  expect(ended.failures).toEqual([])
  expect(ended.status).toBe("succeeded")
  return ended.value
}

/** Runs a nesting of nodes that must fail, and gives the first failure. */
export const failure = async (targets: unknown, settings: Settings): Promise<Failure.Failure> => {
  const ended = await end(targets, settings)
  expect(ended.status).toBe("failed")
  return ended.failures[0]!
}

const client = Effect.fnUntraced(function* (targets: unknown, settings: Settings) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const streams = yield* Streams
  const { graph, tasks } = GraphBuilder.make(targets, "test")
  const run = `test-${runs++}`
  const plan = Plan.make("test", settings.plan?.(graph))
  const behaviours = settings.behaviours ?? []
  Plan.check(plan, graph, [...new Set(behaviours.map(({ annotation }) => annotation))])
  const messages: Array<Message> = []
  const changed = Latch.makeUnsafe(false)
  const cancel = (reason: string) => void Effect.runFork(coordination.cancel(run, reason))
  yield* Effect.addFinalizer(() =>
    Effect.orDie(Effect.all([coordination.remove(run), streams.removeRun(run), objects.removeRun(run)]))
  )
  yield* coordination.subscribe(run, CLIENT, (message) => {
    messages.push(message)
    settings.onMessage?.(message, cancel)
    if (message.type === "ended" || message.type === "lost") changed.openUnsafe()
  })
  // Closes before what is above is undone, as in the real client.
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const { engine, module } = settings
      const { leaseMs = Number.POSITIVE_INFINITY } = settings
      const invoker = yield* engine.open({
        run,
        graph,
        plan,
        tasks,
        module,
        behaviours,
        leaseMs,
        stores: settings.shared?.reference
      })
      const { bytes, stored } = GraphCodec.encode(graph)
      for (const { bytes, index } of stored) yield* objects.put(run, constantKey(index), bytes)
      const reply = yield* coordination.begin(
        {
          run,
          workflow: "test",
          document: () => ({
            graph: bytes,
            plan: Plan.encode(plan),
            module: module ?? "",
            behaviours: behaviours.map(({ annotation, module }) => ({
              module,
              annotation: annotation.annotation
            }))
          }),
          ready: Flow.initial(graph).map((instance) => ({
            instance,
            worker: Plan.workerOf(plan, instance)
          })),
          targets: [...graph.targets],
          instances: graph.size,
          leaseMs,
          maxAttempts: settings.maxAttempts ?? 3
        },
        CLIENT
      )
      yield* handOn(run, reply, invoker)
      const { failures, status } = yield* untilOver(run, invoker, changed, 1000)
      const value = status === "succeeded" ? yield* result(run, graph) : undefined
      return { status, value, failures, messages, graph } satisfies Ended
    })
  )
})

const result = Effect.fnUntraced(function* (run: string, graph: GraphBuilder.Built["graph"]) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const targets = [...graph.targets]
  const stored = yield* coordination.read(run, targets)
  const large = yield* objects.get(run, targets.map(valueKey))
  const values = new Map(
    targets.map((target, i) => {
      const bytes = stored[i] === "object" ? large[i] : stored[i]
      if (!(bytes instanceof Uint8Array)) throw new Error(`the target ${target} was not kept`)
      return [target as Instance.InstanceId, Codec.decode(bytes)]
    })
  )
  return Arguments.fill(graph, graph.columns.targets, [], {
    value: (instance) => values.get(instance),
    constant: (index) => {
      const constant = graph.columns.constants[index]
      return constant !== undefined && "value" in constant ? constant.value : undefined
    }
  })
})

/** Plans by the name of the task, or of the kind of node. */
export const byName =
  (plans: Readonly<Record<string, Plan.NodePlan>>): Plans =>
  (graph) => ({
    nodes: new Map(
      Array.from({ length: graph.size }, (_, id) => [id, plans[graph.name(id)]] as const).filter(
        (entry): entry is [number, Plan.NodePlan] => entry[1] !== undefined
      )
    )
  })
