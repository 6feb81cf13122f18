/**
 * From a file's name to a job: the module is imported, its workflow found, the graph built, and the tasks compared with
 * what workers will find.
 */
import { resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { ModuleError, TaskModule } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as Job from "../internal/Job.ts"
import { type CliFailure, failed } from "./CliFailure.ts"
import { withLine } from "./Explain.ts"

/**
 * Makes a job of a workflow's file.
 *
 * @throws {ModuleError | InvalidInput | BuildFailed} (as failures)
 */
export const job = Effect.fnUntraced(function* (
  file: string,
  input: unknown
): Effect.fn.Return<Job.Job, ModuleError | Job.InvalidInput | Job.BuildFailed | CliFailure> {
  const url = pathToFileURL(resolve(file)).href
  const module = yield* TaskModule.load(url)
  if (module.workflow === undefined) {
    return yield* new ModuleError({
      file: fileURLToPath(url),
      reason:
        "its default export is no workflow; write `export default workflow(import.meta, (input) => …)`, " +
        "which returns the nodes whose values you want"
    })
  }
  const job = yield* Effect.mapError(Job.make(module.workflow, input, undefined), (error) =>
    error._tag === "BuildFailed" && input === undefined ? withoutInput(error) : error
  )
  yield* checkTasks(job, module.workflow.module, url, module)
  return job
})

const withoutInput = (error: Job.BuildFailed) =>
  failed(
    `${withLine(error.message, error.cause, process.cwd())}\nIt was given no input. If it needs one, say so with --input.`
  )

/** Workers take tasks from the module in which the workflow was defined, which need not be the file that was named. */
const checkTasks = Effect.fnUntraced(function* (
  job: Job.Job,
  url: string,
  named: string,
  module: TaskModule.TaskModule
) {
  const { tasks } = url === named ? module : yield* TaskModule.load(url)
  const missing = [...job.tasks.keys()].filter((name) => !tasks.has(name))
  const other = [...job.tasks].find(([name, { run }]) => tasks.has(name) && tasks.get(name)?.run !== run)
  const file = url.startsWith("file:") ? fileURLToPath(url) : url
  if (missing.length > 0) {
    const names = missing.map((name) => `"${name}"`).join(", ")
    const reason =
      missing.length === 1
        ? `it uses the task ${names} but does not export it`
        : `it uses the tasks ${names} but does not export them`
    return yield* new ModuleError({
      file,
      reason: `${reason}; workers find tasks by their names among the exports, so write \`export const … = task(${names.split(", ")[0]}, …)\``
    })
  }
  if (other !== undefined) {
    return yield* new ModuleError({
      file,
      reason: `the task "${other[0]}" that it uses is not the one that it exports under this name; give each a name of its own`
    })
  }
})
