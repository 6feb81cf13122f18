/**
 * Wraps a worker's stages with the behaviours of the annotations in force.
 */
import { Annotation, type Behaviour, Instance } from "@weft/core"
import * as Effect from "effect/Effect"
import type { Work } from "./Invocation.ts"
import { Prefetch } from "./Prefetch.ts"
import { type Prompt, toEffect } from "./Prompt.ts"
import type { WorkerState } from "./WorkerState.ts"

type NodeStage = Exclude<keyof Behaviour.Stages<unknown>, "start" | "stop">

const contexts = new WeakMap<WorkerState, Behaviour.WorkerContext>()

const workerContext = (state: WorkerState): Behaviour.WorkerContext => {
  const known = contexts.get(state)
  if (known !== undefined) return known
  const context: Behaviour.WorkerContext = {
    run: state.run,
    worker: state.worker,
    named: state.invocation.named,
    graph: state.context.graph,
    plan: state.context.plan,
    assigned: () => state.context.assignedTo(state.worker),
    preload: (nodes) =>
      Effect.sync(() => {
        if (nodes.length === 0) return
        state.prefetch ??= new Prefetch(state)
        state.prefetch.want(nodes)
      }),
    prewarm: (memoryMiB, workers, afterMs) => Effect.sync(() => prewarm(state, memoryMiB, workers, afterMs))
  }
  contexts.set(state, context)
  return context
}

/** Has the engine start what workers will run in, once: at the time, or when the worker leaves, which waits for it. */
const prewarm = (state: WorkerState, memoryMiB: number, workers: number, afterMs: number): void => {
  const start = state.invoker.prewarm?.(memoryMiB, workers)
  if (start === undefined) return
  const once = Effect.runSync(Effect.cached(Effect.ignoreCause(start)))
  const done = Effect.sync(() => void state.beforeLeaving.delete(once))
  state.beforeLeaving.add(once)
  state.inBackground(Effect.andThen(afterMs === 0 ? once : Effect.delay(once, afterMs), done))
}

/** What behaviours of a node's annotation know. */
export const nodeContext = (
  state: WorkerState,
  { attempt, instance }: Work,
  value: unknown
): Behaviour.NodeContext => {
  const node = Instance.nodeOf(instance)
  return {
    ...workerContext(state),
    value,
    instance,
    node,
    label: state.context.label(instance),
    task: state.context.graph.name(node),
    attempt
  }
}

/** A stage of one node, with the behaviours of the node's annotations around it, the first outermost. */
export const wrapped = <A, E>(
  state: WorkerState,
  stage: NodeStage,
  one: Work,
  next: () => Prompt<A, E>
): Prompt<A, E> => {
  const behaviours = state.context
    .behavioursOf(Instance.nodeOf(one.instance))
    .filter(({ behaviour }) => behaviour.stages[stage] !== undefined)
  if (behaviours.length === 0) return next()
  return behaviours.reduceRight((inner, { behaviour, value }) => {
    const wrap = behaviour.stages[stage] as Behaviour.Wrap<Behaviour.NodeContext, A>
    return wrap(nodeContext(state, one, value), inner)
  }, toEffect(next))
}

/** A stage of the whole worker, with all behaviours around it, the first outermost. */
export const wrappedWorker = <E>(
  state: WorkerState,
  stage: "start" | "stop",
  next: Effect.Effect<void, E>
): Effect.Effect<void, E> =>
  state.context.behaviours.reduceRight((inner, behaviour) => {
    const wrap = behaviour.stages[stage]
    if (wrap === undefined) return inner
    const value = Annotation.read(behaviour.annotation, state.context.plan.annotations, "the plan")
    return wrap({ ...workerContext(state), value }, inner)
  }, next)
