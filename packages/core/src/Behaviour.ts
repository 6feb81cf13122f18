/**
 * Behaviours: what a worker does about one annotation.
 *
 * A worker is a pipeline of stages; a behaviour wraps stages of the nodes that carry its annotation, like middleware:
 * it gets the context and the rest of the stage, and decides what happens before, after or instead. Behaviours wrap in
 * the order of the run's list of behaviours: the first is outermost. So two annotations can meet on one node without
 * one silently replacing the other.
 *
 * Like tasks, behaviours are code and are found by name: a worker in another thread or process imports the behaviour's
 * module and takes the export with the annotation's name. So export them.
 */
import type * as Effect from "effect/Effect"
import type { Annotation, AnyAnnotation } from "./Annotation.ts"
import type { Graph } from "./Graph.ts"
import type { InstanceId } from "./Instance.ts"
import type { Plan } from "./Plan.ts"

/** What stages of the whole worker know. */
export interface WorkerContext {
  readonly run: string
  /** The worker's id. */
  readonly worker: string
  /** Whether the plan gave the worker its id. */
  readonly named: boolean
  readonly graph: Graph
  readonly plan: Plan
  /** The nodes that the plan gave to the worker; none to one that it did not name. */
  readonly assigned: () => ReadonlyArray<number>
  /**
   * From now on the worker fetches what the nodes read before they run, in the background: what is complete at once, and
   * what completes later when it is told of it, which it is if the behaviour {@link Announcing announces}. Only named workers
   * are told. A node inside an `each` stands for all its instances; what they read inside the `each` is fetched when the
   * worker is told of it only.
   *
   * Returns at once, and never fails: what could not be fetched is when it is needed.
   */
  readonly preload: (nodes: ReadonlyArray<number>) => Effect.Effect<void>
  /**
   * Has the engine start what so many workers of a memory size (MiB) will run in, `afterMs` from now, in the background. A
   * worker that leaves before does it when it leaves; nothing is started when the run is over by then. Does nothing where
   * starting workers takes no time.
   *
   * Returns at once, and never fails.
   */
  readonly prewarm: (memoryMiB: number, workers: number, afterMs: number) => Effect.Effect<void>
}

/** What stages of one node know, besides. */
export interface NodeContext<out T = unknown> extends WorkerContext {
  /** The annotation's value, checked. */
  readonly value: T
  readonly instance: InstanceId
  /** The node's id in the graph. */
  readonly node: number
  /** Shown to people: `blur#17[3]`. */
  readonly label: string
  /** The task's name, or what kind of node it is. */
  readonly task: string
  /** 1 for the first worker that tries the node. */
  readonly attempt: number
}

/** Wraps a stage: runs `next`, once, several times or not at all. */
export type Wrap<Context, A> = <E, R>(
  context: Context,
  next: Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/** The stages that a behaviour may wrap, in the order in which they run. */
export interface Stages<T> {
  /** Once, when the worker begins. Given the annotation's value on the plan. */
  readonly start?: Wrap<WorkerContext & { readonly value: T | undefined }, void>
  /** Gets the arguments together. */
  readonly inputs?: Wrap<NodeContext<T>, ReadonlyArray<unknown>>
  /** Runs the function, with its retries and timeout. */
  readonly execute?: Wrap<NodeContext<T>, unknown>
  /** Decides where the value goes, and puts it there. */
  readonly publish?: Wrap<NodeContext<T>, void>
  /** Tells coordination. */
  readonly complete?: Wrap<NodeContext<T>, void>
  /** Keeps what became ready for this worker, and invokes others for the rest. */
  readonly handOff?: Wrap<NodeContext<T>, void>
  /** Once, when the worker leaves. Given the annotation's value on the plan. */
  readonly stop?: Wrap<WorkerContext & { readonly value: T | undefined }, void>
}

/** What a behaviour may ask of all workers of a run. */
export interface Announcing<in T> {
  /**
   * Whether named workers are told when something is complete that a node of theirs with the annotation reads: see
   * {@link WorkerContext.preload}. Default: no.
   */
  readonly announces?: (value: T) => boolean
}

/** Whether a worker holds on to a value that it has made. What it holds is lost with it, and computed again by who needs it. */
export interface Holding {
  /**
   * The worker runs itself, one after another, what reads the value and becomes ready by it or while it has it, instead of
   * having other workers do so; as far as the plan and memory allow. So the value need not travel.
   */
  readonly clusters: boolean
  /**
   * The value is stored only when it is clear that another worker will read it. Until then the worker goes on with what
   * follows, and looks whether what waits for other values, too, waits for this one only: then it runs that itself.
   */
  readonly delays: boolean
}

/** What a behaviour decides about annotated nodes. */
export interface Deciding<in T> extends Announcing<T> {
  /** Asked by the worker that has made the node's value: whether it holds on to that. `bytes`: its encoded size. */
  readonly holds?: (context: NodeContext<T>, bytes: number) => Holding
  /**
   * Of several nodes that follow from one, and could be gone on with, a worker takes that with the least number first;
   * nodes without one come last. Default: the order of construction.
   */
  readonly precedence?: (value: T) => number
}

/** A behaviour: an annotation and what is done about it. */
export interface Behaviour<A extends AnyAnnotation = AnyAnnotation> {
  readonly "~behaviour": true
  readonly annotation: A
  /** The URL of the module that exports it. */
  readonly module: string
  // biome-ignore lint/suspicious/noExplicitAny: stages take T, and this stands for every T
  readonly stages: Stages<any>
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly announces: ((value: any) => boolean) | undefined
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly holds: ((context: NodeContext<any>, bytes: number) => Holding) | undefined
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly precedence: ((value: any) => number) | undefined
}

/**
 * Defines a behaviour. Export it from the module whose `import.meta` you pass.
 *
 * ```ts
 * export const Slow = annotation("slow", Schema.Finite)
 * export const slow = behaviour(import.meta, Slow, {
 *   execute: (context, next) => Effect.delay(next, context.value)
 * })
 * ```
 */
export const behaviour = <const Name extends string, T>(
  meta: { readonly url: string },
  annotation: Annotation<Name, T>,
  stages: Stages<T>,
  { announces, holds, precedence }: Deciding<T> = {}
): Behaviour<Annotation<Name, T>> => ({
  "~behaviour": true,
  annotation,
  module: meta.url,
  stages,
  announces,
  holds,
  precedence
})

/** Whether a behaviour does anything; some are for the types only. */
export const acts = ({ announces, holds, precedence, stages }: Behaviour): boolean =>
  Object.keys(stages).length > 0 || [announces, holds, precedence].some((ask) => ask !== undefined)

/** Whether a value is a behaviour. */
export const isBehaviour = (value: unknown): value is Behaviour =>
  typeof value === "object" && value !== null && "~behaviour" in value

/**
 * The type of a list of behaviours, if it covers every annotation in `A`; otherwise a type that names what is missing,
 * so that running a plan without a behaviour for one of its annotations does not compile.
 */
export type Covering<A extends AnyAnnotation, Bs extends ReadonlyArray<Behaviour>> =
  Exclude<A["annotation"], Bs[number]["annotation"]["annotation"]> extends infer Missing
    ? [Missing] extends [never]
      ? Bs
      : ReadonlyArray<Behaviour> & {
          readonly missing: `no behaviour for the annotation "${Missing & string}"`
        }
    : never
