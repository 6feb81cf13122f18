// Stores for tests: one memory that several clients share, and runs whose client is gone.
import type { Behaviour } from "@weft/core"
import { Codec, Flow, Plan, Planner, Predictions } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { CLIENT, Coordination, ObjectStore, type RunDocument, Stores } from "@weft/storage"
import { constantKey } from "@weft/worker"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Client from "../src/internal/Client.ts"
import * as Job from "../src/internal/Job.ts"
import * as RunDocumentCodec from "../src/internal/RunDocument.ts"

type Store = Coordination["Service"]

/** Where tasks of nodes are found. */
export const module = new URL("./fixtures/front/flow.ts", import.meta.url).href

/** One memory. */
export interface Memory {
  readonly stores: Stores.Stores
  readonly coordination: Store
  /** How much is left in it: entries of coordination, and objects. */
  readonly left: () => Promise<ReadonlyArray<number>>
}

/** One memory, in which coordination may be made to behave differently. */
export const sharedMemory = async (change: (real: Store) => Store = (real) => real): Promise<Memory> => {
  const context = await ManagedRuntime.make(Stores.memory().layer).context()
  const coordination = change(Context.get(context, Coordination))
  const objects = Context.get(context, ObjectStore)
  const changed = Context.add(context, Coordination, coordination)
  return {
    stores: { name: "memory", layer: Layer.succeedContext(changed), reference: undefined },
    coordination,
    left: () => Effect.runPromise(Effect.all([coordination.usage, objects.usage]))
  }
}

/** How a run was begun by a client that is gone. */
export interface Orphan {
  readonly run?: string
  readonly workflow?: string
  /** Default: that of the tasks of `front/flow.ts`. */
  readonly module?: string | undefined
  readonly leaseMs?: number
  readonly behaviours?: ReadonlyArray<Behaviour.Behaviour>
  readonly document?: (document: RunDocument) => RunDocument
}

/** Begins a run of nodes as a client that is gone right after that. */
export const orphan = async (
  { stores }: Memory,
  what: unknown,
  { behaviours = [], document = (real) => real, leaseMs = 250, run = "orphan", ...more }: Orphan = {}
): Promise<string> => {
  const begin = Effect.gen(function* () {
    const coordination = yield* Coordination
    const objects = yield* ObjectStore
    const job = yield* Job.make(what, undefined, "module" in more ? more.module : module)
    const plan = yield* Planner.run(simple(), job.graph, Predictions.none)
    const encoded = RunDocumentCodec.encodeOnce(job, plan, behaviours, undefined)()
    for (const { bytes, index } of encoded.stored) yield* objects.put(run, constantKey(index), bytes)
    yield* coordination.begin(
      {
        run,
        workflow: more.workflow ?? job.name,
        document: () => document(encoded.document),
        ready: Flow.initial(job.graph).map((instance) => ({ instance })),
        targets: [...job.graph.targets],
        instances: Client.countInstances(job.graph),
        leaseMs,
        maxAttempts: 3
      },
      CLIENT
    )
  })
  await Effect.runPromise(Effect.provide(begin, stores.layer))
  return run
}

/** Documents that cannot be read. */
export const damaged: Readonly<Record<string, (document: RunDocument) => RunDocument>> = {
  "a graph of a newer format": (document) => ({ ...document, graph: newer(document.graph) }),
  "a graph that is cut off": ({ graph, ...document }) => ({
    ...document,
    graph: graph.slice(0, graph.length / 2)
  }),
  "a plan of a newer format": ({ plan, ...document }) => ({
    ...document,
    plan: Codec.encode({ ...(Codec.decode(plan) as object), version: 2 })
  }),
  "a plan that is cut off": ({ plan, ...document }) => ({
    ...document,
    plan: plan.slice(0, plan.length / 2)
  }),
  "a plan of another graph": (document) => ({ ...document, plan: Plan.encode(ofAnother) })
}

/** The version is the second byte, the first says how long the list is. */
const newer = (graph: Uint8Array) => Uint8Array.from(graph, (byte, i) => (i === 1 ? 2 : byte))

const ofAnother = Plan.make("simple", { nodes: new Map([[99, { memory: 2048 }]]) })
