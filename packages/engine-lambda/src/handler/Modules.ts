/** The code of a bundle: tasks and behaviours by their names. Workers elsewhere import modules; a bundle has them with it. */
import type { Behaviour } from "@weft/core"
import { type Code, ModuleError, TaskModule } from "@weft/worker"
import * as Effect from "effect/Effect"
import type { Bundle, Exports } from "./Bundle.ts"

export class Modules implements Code {
  private readonly source: string
  private readonly workflow: Effect.Effect<TaskModule.TaskModule, ModuleError>
  /** Of all modules of behaviours, and of the workflow's. */
  readonly allBehaviours: Effect.Effect<ReadonlyArray<Exports>, ModuleError>

  /** Begins to import; what that throws is told to whoever asks for something. */
  constructor({ behaviours, source, workflow }: Bundle) {
    this.source = source
    const exported = once(source, workflow())
    this.workflow = Effect.flatMap(exported, (exports) => TaskModule.tasksOf(exports, source))
    const modules = behaviours.map((load) => once("a module of behaviours", load()))
    this.allBehaviours = Effect.all([exported, ...modules])
  }

  /** Waits until all is imported, or has failed. */
  async imported(): Promise<void> {
    await Effect.runPromise(Effect.exit(Effect.all([this.workflow, this.allBehaviours])))
  }

  /** The bundle has one workflow: what its module was called where the run began does not matter. */
  tasks(): Effect.Effect<TaskModule.TaskModule, ModuleError> {
    return this.workflow
  }

  behaviour(_: string, annotation: string): Effect.Effect<Behaviour.Behaviour, ModuleError> {
    return Effect.flatMap(this.allBehaviours, (modules) => {
      const found = modules.map((exports) => TaskModule.behaviourOf(exports, annotation, this.source))
      return Effect.catch(Effect.firstSuccessOf(found), () =>
        Effect.fail(
          new ModuleError({
            file: this.source,
            reason:
              `the deployed bundle has no behaviour for the annotation "${annotation}". Deploy anew, with the module that ` +
              "exports it: `weft deploy FILE --behaviours MODULE`"
          })
        )
      )
    })
  }
}

const once = (file: string, importing: Promise<Exports>): Effect.Effect<Exports, ModuleError> => {
  importing.catch(() => {})
  return Effect.tryPromise({
    try: () => importing,
    catch: (cause) =>
      new ModuleError({
        file,
        reason: `it threw when it was imported: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`,
        cause
      })
  })
}
