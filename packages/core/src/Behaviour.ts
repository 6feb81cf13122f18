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
import type { Effect } from "effect"
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

/** A behaviour: an annotation and what is done about it. */
export interface Behaviour<A extends AnyAnnotation = AnyAnnotation> {
  readonly "~behaviour": true
  readonly annotation: A
  /** The URL of the module that exports it. */
  readonly module: string
  // biome-ignore lint/suspicious/noExplicitAny: stages take T, and this stands for every T
  readonly stages: Stages<any>
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
  stages: Stages<T>
): Behaviour<Annotation<Name, T>> => ({ "~behaviour": true, annotation, module: meta.url, stages })

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
