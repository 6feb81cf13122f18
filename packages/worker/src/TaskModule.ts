/**
 * Workflow modules: where the code of tasks and behaviours is found by name.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type AnyWorkflow, Behaviour, Failure, isTask, isWorkflow, type TaskReference } from "@weft/core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** A module that cannot be used: it is not there, cannot be imported, or does not export what is needed. */
export class ModuleError extends Data.TaggedError("ModuleError")<{
  /** The file's path, or the URL if it is no file. */
  readonly file: string
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.file}: ${this.reason}`
  }
}

/** What a workflow's module has. */
export interface TaskModule {
  readonly tasks: ReadonlyMap<string, TaskReference>
  /** The default export, if it is a workflow. */
  readonly workflow: AnyWorkflow | undefined
}

/** The path of a module, or its URL if it is no file. */
export const fileOf = (url: string): string => (url.startsWith("file:") ? fileURLToPath(url) : url)

let importing = 0

/**
 * Refuses what a module must not do while it is imported for its tasks: begin runs. Each worker thread imports the
 * module anew, and would begin them again.
 *
 * @throws {Error} that says what to do
 */
export const refuseWhileImporting = (): void => {
  if (importing === 0) return
  throw new Error(
    "a run was begun while the module was imported for its tasks; " +
      "begin runs only in the program's main module: `if (import.meta.main) { await run(…) }`"
  )
}

const importModule = (url: string): Effect.Effect<Record<string, unknown>, ModuleError> =>
  Effect.suspend(() => {
    const file = fileOf(url)
    if (url.startsWith("file:") && !existsSync(file)) {
      return Effect.fail(new ModuleError({ file, reason: "there is no such file" }))
    }
    return Effect.tryPromise({
      try: async () => {
        importing++
        try {
          return (await import(url)) as Record<string, unknown>
        } finally {
          importing--
        }
      },
      catch: (cause) => new ModuleError({ file, reason: importProblem(cause), cause })
    })
  })

const importProblem = (cause: unknown): string => {
  if (!(cause instanceof Error)) return `it threw ${String(cause)} when it was imported`
  const place =
    Failure.userLine(cause.stack) ?? cause.stack?.split("\n").find((line) => /^\S+:\d+$/.test(line))
  const at = place === undefined ? "" : `\n    ${place}`
  const code = "code" in cause ? cause.code : undefined
  if (cause instanceof SyntaxError || code === "ERR_INVALID_TYPESCRIPT_SYNTAX")
    return `it has a syntax error: ${cause.message}${at}`
  if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED") {
    return `it imports something that cannot be found: ${cause.message}`
  }
  return `it threw when it was imported: ${cause.name}: ${cause.message}${at}`
}

/**
 * Imports a workflow's module and collects its exported tasks.
 *
 * @throws {ModuleError} (as a failure) if it cannot be imported or exports two different tasks of one name
 */
export const load = (url: string): Effect.Effect<TaskModule, ModuleError> =>
  Effect.flatMap(importModule(url), (exported) => tasksOf(exported, fileOf(url)))

/**
 * The tasks among a module's exports.
 *
 * @param file how the module is called in errors
 */
export const tasksOf = Effect.fnUntraced(function* (
  exported: Readonly<Record<string, unknown>>,
  file: string
): Effect.fn.Return<TaskModule, ModuleError> {
  const tasks = new Map<string, TaskReference>()
  for (const value of Object.values(exported)) {
    if (!isTask(value)) continue
    const reference = value["~task"]
    const other = tasks.get(reference.name)
    if (other !== undefined && other.run !== reference.run) {
      return yield* new ModuleError({
        file,
        reason: `it exports two different tasks named "${reference.name}"; give each a name of its own`
      })
    }
    tasks.set(reference.name, reference)
  }
  return { tasks, workflow: isWorkflow(exported.default) ? exported.default : undefined }
})

/** Imports a module and finds the behaviour of an annotation among its exports. */
export const loadBehaviour = (
  url: string,
  annotation: string
): Effect.Effect<Behaviour.Behaviour, ModuleError> =>
  Effect.flatMap(importModule(url), (exported) => behaviourOf(exported, annotation, fileOf(url)))

/** The behaviour of an annotation among a module's exports. */
export const behaviourOf = (
  exported: Readonly<Record<string, unknown>>,
  annotation: string,
  file: string
): Effect.Effect<Behaviour.Behaviour, ModuleError> => {
  const found = Object.values(exported)
    .filter(Behaviour.isBehaviour)
    .find((behaviour) => behaviour.annotation.annotation === annotation)
  return found !== undefined
    ? Effect.succeed(found)
    : Effect.fail(
        new ModuleError({
          file,
          reason: `it exports no behaviour for the annotation "${annotation}"; workers elsewhere find it by that export`
        })
      )
}
