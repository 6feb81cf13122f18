/**
 * Traces of real workflows: executions in WfFormat 1.5 (https://github.com/wfcommons/WfFormat), read, scaled, and made into
 * weft graphs of tasks that take as long and give values as large.
 *
 * Files that no task made are left out: they were there before, and a weft run begins without them.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import type { Effort } from "./tasks.ts"

const Count = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/** What is read of WfFormat; it has more. */
const Document = Schema.Struct({
  name: Schema.String,
  schemaVersion: Schema.Literals(["1.5"]),
  workflow: Schema.Struct({
    specification: Schema.Struct({
      tasks: Schema.Array(
        Schema.Struct({
          id: Schema.String,
          name: Schema.String,
          parents: Schema.Array(Schema.String),
          outputFiles: Schema.optionalKey(Schema.Array(Schema.String))
        })
      ),
      files: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.String, sizeInBytes: Count })))
    }),
    execution: Schema.Struct({
      makespanInSeconds: Count,
      tasks: Schema.Array(
        Schema.Struct({
          id: Schema.String,
          runtimeInSeconds: Count,
          writtenBytes: Schema.optionalKey(Count)
        })
      )
    })
  })
})
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Document))

/** One call of a trace. */
export interface TraceCall {
  readonly id: string
  /** The task's name. */
  readonly task: string
  readonly executionMs: number
  readonly outputBytes: number
  /** The indices of the calls whose values it reads, all before it. */
  readonly parents: ReadonlyArray<number>
}

/** An execution, its calls in topological order. */
export interface Trace {
  readonly name: string
  readonly calls: ReadonlyArray<TraceCall>
  /** How long it took where it was recorded. */
  readonly makespanMs: number
}

/** What is not a trace. */
export class InvalidTrace extends Data.TaggedError("InvalidTrace")<{ readonly reason: string }> {
  override get message() {
    return `not a trace in WfFormat 1.5: ${this.reason}`
  }
}

/**
 * Reads a trace.
 *
 * @throws {InvalidTrace} for what is not WfFormat 1.5, a task without an execution, an unknown parent, or a cycle
 */
export const read = (json: string): Trace => {
  const { name, workflow } = decoded(json)
  const { files = [], tasks } = workflow.specification
  const executions = new Map(workflow.execution.tasks.map((one) => [one.id, one]))
  const sizes = new Map(files.map(({ id, sizeInBytes }) => [id, sizeInBytes]))
  const taskOf = naming(tasks.map(({ name }) => name))
  const index = new Map<string, number>()
  const calls = inOrder(tasks).map((task): TraceCall => {
    const execution = executions.get(task.id)
    if (execution === undefined) throw new InvalidTrace({ reason: `there is no execution of ${task.id}` })
    const bytes = (task.outputFiles ?? []).reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)
    index.set(task.id, index.size)
    return {
      id: task.id,
      task: taskOf(task.name),
      executionMs: execution.runtimeInSeconds * 1000,
      // Some recorders did not see the sizes of what was made, but how much was written.
      outputBytes: bytes > 0 ? bytes : (execution.writtenBytes ?? 0),
      parents: [...new Set(task.parents)].map((parent) => index.get(parent)!)
    }
  })
  return { name, calls, makespanMs: workflow.execution.makespanInSeconds * 1000 }
}

const decoded = (json: string): typeof Document.Type => {
  try {
    return decode(json)
  } catch (error) {
    throw new InvalidTrace({ reason: error instanceof Error ? error.message : String(error) })
  }
}

/**
 * The task of a call is its name without its number (`mProject_ID0000001`). Where every call would be of a task of its own,
 * names hold the sample, too (`map_map_HEP2_…`): then the task is what comes before it.
 */
const naming = (names: ReadonlyArray<string>): ((name: string) => string) => {
  const numberless = (name: string) => name.replace(/_ID\d+$/, "")
  const different = new Set(names.map(numberless)).size
  return different === names.length && different > 1 ? (name) => name.split("_")[0]! : numberless
}

interface Specified {
  readonly id: string
  readonly parents: ReadonlyArray<string>
}

const inOrder = <T extends Specified>(tasks: ReadonlyArray<T>): ReadonlyArray<T> => {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const children = new Map<string, Array<T>>()
  const waits = new Map<string, number>()
  for (const task of tasks) {
    const parents = new Set(task.parents)
    waits.set(task.id, parents.size)
    for (const parent of parents) {
      if (!byId.has(parent))
        throw new InvalidTrace({ reason: `${task.id} has the parent ${parent}, which is not there` })
      const known = children.get(parent)
      if (known === undefined) children.set(parent, [task])
      else known.push(task)
    }
  }
  const order = tasks.filter(({ id }) => waits.get(id) === 0)
  for (const { id } of order) {
    for (const child of children.get(id) ?? []) {
      const left = waits.get(child.id)! - 1
      waits.set(child.id, left)
      if (left === 0) order.push(child)
    }
  }
  if (order.length < tasks.length)
    throw new InvalidTrace({ reason: "its tasks depend on each other in a circle" })
  return order
}

/** What durations and sizes are multiplied by, so that hours become seconds. */
export interface TraceScale {
  readonly time: number
  readonly bytes: number
}

/** The same trace, shorter and smaller. */
export const scaled = (trace: Trace, { bytes, time }: TraceScale): Trace => ({
  name: trace.name,
  makespanMs: trace.makespanMs * time,
  calls: trace.calls.map((call) => ({
    ...call,
    executionMs: call.executionMs * time,
    outputBytes: Math.round(call.outputBytes * bytes)
  }))
})

/** The factor by which a trace becomes so long that its calls take so many ms one after the other. */
export const timeFor = ({ calls }: Trace, totalMs: number): number =>
  totalMs /
  Math.max(
    1,
    calls.reduce((sum, { executionMs }) => sum + executionMs, 0)
  )

/** A task that computes and gives a value, as those of `tasks.ts` do. */
export type Replay<N> = (effort: Effort, values: ReadonlyArray<N>) => N

/**
 * The trace as nodes: those that nobody reads.
 *
 * @param replays the task for each name
 * @param iterationsPerMs of `burn`, on a whole core
 * @throws {InvalidTrace} if there is no task of a name
 */
export const replay = <N>(
  { calls }: Trace,
  replays: Readonly<Record<string, Replay<N>>>,
  iterationsPerMs: number
): ReadonlyArray<N> => {
  const nodes: Array<N> = []
  const isRead = new Set<number>()
  for (const { executionMs, outputBytes, parents, task } of calls) {
    const call = Object.hasOwn(replays, task) ? replays[task] : undefined
    if (call === undefined) throw new InvalidTrace({ reason: `no task replays "${task}"` })
    for (const parent of parents) isRead.add(parent)
    const effort = { iterations: Math.round(executionMs * iterationsPerMs), bytes: outputBytes }
    nodes.push(
      call(
        effort,
        parents.map((parent) => nodes[parent]!)
      )
    )
  }
  return nodes.filter((_, id) => !isRead.has(id))
}

/** How long the calls of each task take on average, and how large their values are. */
export const expected = ({
  calls
}: Trace): ReadonlyMap<string, { executionMs: number; outputBytes: number }> => {
  const mean = (of: ReadonlyArray<TraceCall>, field: "executionMs" | "outputBytes") =>
    of.reduce((sum, call) => sum + call[field], 0) / of.length
  return new Map(
    [...Map.groupBy(calls, ({ task }) => task)].map(([task, of]) => [
      task,
      { executionMs: mean(of, "executionMs"), outputBytes: mean(of, "outputBytes") }
    ])
  )
}
