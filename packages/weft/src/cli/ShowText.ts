/**
 * A run's plan against what became of it, for people.
 */
import type { Comparison } from "../show/Comparison.ts"
import type { Style } from "./Style.ts"
import { table } from "./Table.ts"
import { bytes, count, counted, duration, percent } from "./Units.ts"

const MOST_TASKS = 12
const MOST_WORKERS = 20

/** The run in one line: how long it took, and how long it was to take. */
export const headline = ({ makespanMs, plannedMs, run, status, workflow }: Comparison): string => {
  const planned =
    plannedMs === undefined ? "" : `, planned ${duration(plannedMs)} (${deviation(plannedMs, makespanMs)})`
  return `${workflow} ${run} ${status}: makespan ${duration(makespanMs)}${planned}`
}

/** The run's numbers in one line. */
export const numbers = ({ coldStarts, engine, nodes, planner, workers }: Comparison): string =>
  `planner ${planner} · engine ${engine} · ${counted(nodes, "node")} · ${counted(workers.length, "worker")} · ${counted(coldStarts, "cold start")}`

/** The lines of `weft show`. */
export const showLines = (shown: Comparison, style: Style): ReadonlyArray<string> => [
  style("bold", headline(shown)),
  ...[numbers(shown), ...shown.notes, ...masked(shown), ...unplanned(shown)].map((line) => `  ${line}`),
  "",
  ...critical(shown, style),
  "",
  ...tasks(shown, style),
  "",
  ...workers(shown, style),
  ...deviations(shown, style)
]

/** `+12 %`, `−3 %`, `2.4 ×` */
const deviation = (planned: number, real: number): string => {
  if (planned <= 0) return "nothing planned"
  const share = real / planned - 1
  if (share > 1) return `${(share + 1).toFixed(1)} ×`
  return `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`
}

const masked = ({ preloaded, prewarmed }: Comparison) => [
  ...(preloaded.bytes === 0
    ? []
    : [`preload had ${bytes(preloaded.bytes)} ready ahead, which took ${duration(preloaded.ms)} meanwhile`]),
  ...(prewarmed === 0 ? [] : [`prewarm started ${counted(prewarmed, "environment")} ahead`])
]

const unplanned = ({ plannedMs }: Comparison) =>
  plannedMs === undefined ? ["the plan has no timeline: what happened is shown alone"] : []

const critical = ({ critical, makespanMs }: Comparison, style: Style) => {
  const { coldMs, executionMs, inputsMs, nodes, publishMs, startMs, unexplainedMs } = critical
  const parts: ReadonlyArray<readonly [string, number]> = [
    ["cold starts", coldMs],
    ["warm starts", startMs],
    ["transfer in", inputsMs],
    ["execution", executionMs],
    ["transfer out", publishMs],
    ["unexplained: store, hand-off, queues", unexplainedMs]
  ]
  return table(
    [{}, { align: "right", format: "bold" }, { align: "right" }],
    [
      [`critical path: ${counted(nodes.length, "node")}`, "time", "share"],
      ...parts
        .filter(([, ms]) => ms > 0)
        .map(([what, ms]) => [what, duration(ms), makespanMs > 0 ? percent(ms / makespanMs) : ""])
    ],
    style
  )
}

const right = { align: "right" } as const
const optional = (ms: number | undefined) => (ms === undefined ? "–" : duration(ms))

const tasks = ({ tasks }: Comparison, style: Style) =>
  withRest(
    table(
      [{}, right, right, { ...right, format: "bold" }, right, right],
      [
        ["task", "calls", "planned", "mean", "longest", "deviation"],
        ...tasks
          .slice(0, MOST_TASKS)
          .map(({ calls, longestMs, meanMs, plannedMs, task }) => [
            task,
            count(calls),
            optional(plannedMs),
            duration(meanMs),
            duration(longestMs),
            plannedMs === undefined ? "–" : deviation(plannedMs, meanMs)
          ])
      ],
      style
    ),
    tasks.length - MOST_TASKS,
    style
  )

const workers = ({ workers }: Comparison, style: Style) =>
  withRest(
    table(
      [{}, right, right, right, right, { ...right, format: "bold" }, right, right],
      [
        ["worker", "memory", "start", "", "nodes", "busy", "planned", "waiting"],
        ...workers
          .toSorted((a, b) => b.busyMs - a.busyMs)
          .slice(0, MOST_WORKERS)
          .map(({ busyMs, cold, memory, nodes, plannedMs, startMs, waitingMs, worker }) => [
            worker,
            memory === undefined ? "–" : `${count(memory)} MiB`,
            optional(startMs),
            cold === undefined ? "" : cold ? "cold" : "warm",
            count(nodes),
            duration(busyMs),
            optional(plannedMs),
            duration(waitingMs)
          ])
      ],
      style
    ),
    workers.length - MOST_WORKERS,
    style
  )

const deviations = ({ deviations }: Comparison, style: Style) =>
  deviations.length === 0
    ? []
    : [
        "",
        ...table(
          [{}, right, { ...right, format: "bold" }, right, { format: "dim" }],
          [
            ["farthest from the plan", "planned", "real", "deviation", "worker"],
            ...deviations.map(({ node, plannedMs, realMs, worker }) => [
              node,
              duration(plannedMs),
              duration(realMs),
              deviation(plannedMs, realMs),
              worker
            ])
          ],
          style
        )
      ]

const withRest = (lines: ReadonlyArray<string>, more: number, style: Style) =>
  more > 0 ? [...lines, style("dim", `and ${count(more)} more`)] : lines
