/**
 * `@weft/planner-wukong`: static schedules without worker ids, task clustering and delayed I/O, after WUKONG.
 *
 * Source: Carver et al., "Wukong: A Scalable and Locality-Enhanced Framework for Serverless Parallel Computing", ACM SoCC
 * 2020 (arXiv 2010.07268); "In Search of a Fast and Efficient Serverless DAG Engine", PDSW 2019 (arXiv 1910.05896).
 */
import { Graph, Plan, type Planner, type Predictions, planner } from "@weft/core"
import { Assignment, type Environment, Explaining, Model, Settings, Timeline } from "@weft/planning"
import { Large, type LargeOutput, Schedule } from "./behaviours.ts"
import { schedules } from "./Schedules.ts"

export * from "./behaviours.ts"
export { type Schedules, scheduleOf, schedules } from "./Schedules.ts"

/** 200 MB, as published: `big_task_threshold = 200_000_000` bytes in WUKONG's scheduler. */
export const LARGE_OUTPUT_BYTES = 200_000_000

/** Options of the WUKONG planner. */
export interface WukongOptions {
  /** From so many encoded bytes on the output of a task is large. Default {@link LARGE_OUTPUT_BYTES}, 200 × 10⁶. */
  readonly largeOutputBytes?: number
  /** Whether the worker of a large output runs what reads it itself. Default: yes. */
  readonly clustering?: boolean
  /** Whether a large output is stored only when it is clear that another worker reads it. Default: yes. */
  readonly delayedIo?: boolean
  /**
   * Memory of every worker, in MiB; tasks whose `memory` option asks for more get that. Default 1,024, or the most that a task
   * asks for, if more.
   */
  readonly memory?: number
  /** Which value of each predicted distribution is counted with: the mean, or a percentile. Default `"average"`. */
  readonly sla?: Predictions.Sla
  /** What is known of where workers run. */
  readonly environment?: Environment.Environment
}

/**
 * Makes the WUKONG planner. It names no workers. Run its plans with its `behaviours`.
 *
 * @throws {RangeError} for an option out of its bounds
 */
export const wukong = (options: WukongOptions = {}): Planner.Planner<typeof Schedule | typeof Large> => {
  const { clustering = true, delayedIo = true, largeOutputBytes, memory, ...rest } = options
  Settings.resolve(rest)
  const large: LargeOutput = { fromBytes: largeOutputBytes ?? LARGE_OUTPUT_BYTES, clustering, delayedIo }
  Settings.whole("largeOutputBytes", large.fromBytes, " of bytes")
  isSwitch("clustering", clustering)
  isSwitch("delayedIo", delayedIo)
  if (memory !== undefined) Settings.whole("memory", memory, " of MiB")
  return planner({
    name: "wukong",
    annotations: [Schedule, Large],
    plan: ({ draft, environment, graph, predictions }) => {
      const size = memory ?? mostMemory(graph)
      draft.setMemory(size)
      const model = Model.make(graph, predictions, Settings.within(environment, rest).model)
      const isUnknown = Explaining.isUnknown(model)
      const executionMs = model.executionMs(size)
      const { leaves, place } = schedules(graph, (node) =>
        isUnknown ? Number(graph.kind(node) === "call") : executionMs[node]!
      )
      annotate(graph, place, large, draft)
      draft.note(
        `${leaves.length} static ${leaves.length === 1 ? "schedule" : "schedules"}, one from each leaf; workers are not named`
      )
      draft.note(said(large))
      if (isUnknown)
        draft.note(
          "nothing is known of any task: the longest way is that with the most tasks, and no time is predicted"
        )
      else {
        const assignment = Assignment.flexible(graph, size)
        draft.note(
          "the predicted times are those of flexible workers without task clustering and delayed I/O"
        )
        Explaining.explain(model, { assignment, timeline: Timeline.evaluate(model, assignment) }, draft)
      }
    }
  })
}

const isSwitch = (name: string, value: unknown) => {
  if (typeof value !== "boolean")
    throw new RangeError(`${name} is ${JSON.stringify(value)}; it must be true or false`)
}

const mostMemory = (graph: Graph.Graph): number => {
  const { options, tasks } = graph.columns
  return [...tasks.map((task) => task.options), ...options.values()].reduce(
    (most, { memory = 0 }) => Math.max(most, memory),
    Plan.DEFAULT_MEMORY
  )
}

const said = ({ clustering, delayedIo, fromBytes }: LargeOutput): string => {
  const megabytes = `outputs of ${(fromBytes / 1e6).toLocaleString("en")} MB and more`
  if (clustering)
    return `${megabytes} stay with their worker, which runs what reads them${delayedIo ? ", and are stored late" : ""}`
  return delayedIo ? `${megabytes} are stored late` : "outputs are stored whatever their size"
}

/** Places on what follows together with others; what becomes of large outputs on what opens a fan-out or goes into a fan-in. */
const annotate = (
  graph: Graph.Graph,
  place: Int32Array,
  large: LargeOutput,
  draft: Planner.Draft<typeof Schedule | typeof Large>
) => {
  const { codes, scopeOf } = graph.columns
  const mayBeLarge = large.clustering || large.delayedIo
  const placed = new Uint8Array(graph.size)
  for (let node = 0; node < graph.size; node++) {
    const kind = graph.kind(node)
    const children = Graph.neighbours(graph.children, node)
    if (children.length > 1) {
      for (const child of children) {
        if (placed[child]! > 0) continue
        placed[child] = 1
        draft.annotate(child, Schedule(place[child]!))
      }
    }
    if (!mayBeLarge || (kind !== "call" && kind !== "collect")) continue
    // What is inside of lists, or gathers them, is shared: how much there is of it is not known before.
    const own = children.filter(
      (child) => scopeOf[child] === scopeOf[node] && codes[child] !== Graph.code.collect
    )
    if (own.length > 1 || own.some((child) => graph.need[child]! > 1)) draft.annotate(node, Large(large))
  }
}
