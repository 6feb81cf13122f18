/**
 * Planners: graph + predictions → plan.
 *
 * A planner declares the annotations that it may emit; the types let it emit no others, and let a run use it only
 * together with behaviours that cover them all (see `Behaviour.ts`).
 */
import * as Effect from "effect/Effect"
import type { AnnotationValue, AnyAnnotation, ValueOf } from "./Annotation.ts"
import type { Environment } from "./Environment.ts"
import type { Graph } from "./Graph.ts"
import { DEFAULT_MEMORY, type NodePlan, type Plan, type Predicted } from "./Plan.ts"
import type { Predictions } from "./Predictions.ts"

/** The values that an annotation's definition makes. */
type Emits<A extends AnyAnnotation> = A extends AnyAnnotation
  ? AnnotationValue<A["annotation"], ValueOf<A>>
  : never

/** The plan while it is being made. Later calls for a node win, field by field. */
export interface Draft<in A extends AnyAnnotation> {
  /** Gives a node memory (MiB), a worker, or both. */
  readonly assign: (node: number, to: { readonly memory?: number; readonly worker?: string }) => void
  /** Puts an annotation on a node. */
  readonly annotate: (node: number, ...values: ReadonlyArray<Emits<A>>) => void
  /** Puts an annotation on the plan. */
  readonly annotatePlan: (...values: ReadonlyArray<Emits<A>>) => void
  /** Memory, in MiB, of all nodes that get none of their own. */
  readonly setMemory: (memory: number) => void
  /** Tells people something about the plan. */
  readonly note: (text: string) => void
  /** Says when nodes are expected to run. */
  readonly predict: (timeline: ReadonlyArray<Predicted>) => void
}

/** What a planner gets. */
export interface PlanInput<in A extends AnyAnnotation> {
  readonly graph: Graph
  readonly predictions: Predictions
  /** What is known of where the workers will run. */
  readonly environment: Environment
  readonly draft: Draft<A>
}

/** A planner. */
export interface Planner<out A extends AnyAnnotation = never> {
  readonly name: string
  readonly annotations: ReadonlyArray<A>
  /** Whether it asks for predictions. Default: yes. If it does not, none are read from the history. */
  readonly usesHistory?: boolean
  /** Fills the draft; may take its time as a promise or an Effect. */
  readonly plan: (input: PlanInput<A>) => void | PromiseLike<void> | Effect.Effect<void>
}

/** Any planner. */
export type AnyPlanner = Planner<AnyAnnotation>

/**
 * Defines a planner.
 *
 * ```ts
 * const alternate = planner({
 *   name: "alternate",
 *   annotations: [],
 *   plan: ({ graph, draft }) => {
 *     for (let id = 0; id < graph.size; id++) draft.assign(id, { worker: `w${id % 2}` })
 *   }
 * })
 * ```
 */
export const planner = <const As extends ReadonlyArray<AnyAnnotation>>(definition: {
  readonly name: string
  readonly annotations: As
  readonly usesHistory?: boolean
  readonly plan: Planner<As[number]>["plan"]
}): Planner<As[number]> => definition

/** Runs a planner. The plan is not checked: see `Plan.check`. */
export const run = Effect.fn("Planner.run")(function* (
  planner: AnyPlanner,
  graph: Graph,
  predictions: Predictions,
  environment: Environment = {}
): Effect.fn.Return<Plan> {
  const nodes = new Map<number, NodePlan>()
  const annotations: Record<string, unknown> = {}
  const notes: Array<string> = []
  let memory = DEFAULT_MEMORY
  let timeline: ReadonlyArray<Predicted> = []
  const change = (node: number, with_: NodePlan) => nodes.set(node, { ...nodes.get(node), ...with_ })
  const record = (values: ReadonlyArray<AnnotationValue>) =>
    Object.fromEntries(values.map(({ name, value }) => [name, value]))
  const draft: Draft<AnyAnnotation> = {
    assign: change,
    annotate: (node, ...values) =>
      change(node, { annotations: { ...nodes.get(node)?.annotations, ...record(values) } }),
    annotatePlan: (...values) => Object.assign(annotations, record(values)),
    setMemory: (value) => {
      memory = value
    },
    note: (text) => notes.push(text),
    predict: (value) => {
      timeline = value
    }
  }
  const done = planner.plan({ graph, predictions, environment, draft })
  if (Effect.isEffect(done)) yield* done
  else if (done !== undefined) yield* Effect.promise(() => Promise.resolve(done))
  return { planner: planner.name, memory, nodes, annotations, notes, timeline }
})
