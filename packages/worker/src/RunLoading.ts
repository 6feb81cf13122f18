/**
 * How a process that did not begin a run comes to know it: from its document, and from the code that the process has.
 */
import { type Behaviour, GraphCodec, Plan } from "@weft/core"
import { Coordination, type RunDocument, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { EngineError } from "./Engine.ts"
import type { Invocation } from "./Invocation.ts"
import { RunContext } from "./RunContext.ts"
import * as TaskModule from "./TaskModule.ts"

/** Where workers find the code of a run. */
export interface Code {
  readonly tasks: (module: string) => Effect.Effect<TaskModule.TaskModule, TaskModule.ModuleError>
  readonly behaviour: (
    module: string,
    annotation: string
  ) => Effect.Effect<Behaviour.Behaviour, TaskModule.ModuleError>
}

/** In the modules that the run's document names, which are imported. */
export const imported: Code = { tasks: TaskModule.load, behaviour: TaskModule.loadBehaviour }

/** What workers need to know of a run. */
export const contextOf = Effect.fnUntraced(function* (
  run: string,
  document: RunDocument,
  code: Code
): Effect.fn.Return<RunContext, TaskModule.ModuleError | StoreError> {
  const { tasks } = yield* code.tasks(document.module)
  const behaviours = yield* Effect.forEach(document.behaviours, ({ annotation, module }) =>
    code.behaviour(module, annotation)
  )
  return yield* Effect.try({
    try: () =>
      new RunContext({
        run,
        graph: GraphCodec.decode(document.graph),
        plan: Plan.decode(document.plan),
        tasks,
        behaviours,
        metrics: document.metrics
      }),
    catch: (cause) =>
      new StoreError({
        reason: "corrupt",
        operation: "load",
        detail:
          `run ${run} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}. Go on with it by the ` +
          "version of weft that began it, or begin it again",
        cause
      })
  })
})

/** What cannot be imported, or read, here fails the run: no other process could do better. */
export const unusable = Effect.fnUntraced(function* (
  { run, work, worker }: Invocation,
  error: TaskModule.ModuleError | StoreError | EngineError
) {
  const coordination = yield* Coordination
  yield* coordination.fail(run, {
    instance: work[0]?.instance ?? 0,
    kind: error._tag === "ModuleError" ? "missing" : "store",
    worker,
    attempts: 1,
    message: error.message
  })
})
