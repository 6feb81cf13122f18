/**
 * What a run took, for people: a pure function of its summary.
 */
import type { Summary } from "../Summary.ts"
import type { Style } from "./Style.ts"
import { table } from "./Table.ts"
import { bytes, count, counted, duration, percent, rate } from "./Units.ts"

/** How many tasks the table shows. */
const MOST_TASKS = 12
const BAR = 10

/** The lines of a summary. A run that did not succeed gets its first line only. */
export const summaryLines = (summary: Summary, style: Style): ReadonlyArray<string> => {
  if (summary.status !== "succeeded") return [endLine(summary, style), ...warnings(summary, style)]
  const calls = callsOf(summary)
  const name = style("bold", summary.workflow)
  const makespan = duration(summary.makespanMs)
  const perSecond = summary.makespanMs < 1 ? "" : ` (${rate((calls / summary.makespanMs) * 1000, " tasks")})`
  return [
    `${style("green", "✔")} ${name}: ${counted(calls, "task")} in ${makespan}${perSecond}`,
    ...indent(facts(summary, style)),
    ...(summary.tasks.length === 0 ? [] : ["", ...indent(taskTable(summary, style))]),
    ...(calls < 2 || summary.slowest.length === 0 ? [] : ["", ...indent(slowestTable(summary, style))]),
    ...warnings(summary, style)
  ]
}

const warnings = ({ warnings = [] }: Summary, style: Style): ReadonlyArray<string> =>
  warnings.map((warning) => `${style("yellow", "warning:")} ${warning}`)

/** How a run ended, on one line. */
export const endLine = (summary: Summary, style: Style): string => {
  const name = style("bold", summary.workflow)
  const how = `after ${duration(summary.makespanMs)}: ${count(summary.completed)} of ${count(summary.total)} done`
  switch (summary.status) {
    case "succeeded":
      return `${style("green", "✔")} ${name} succeeded ${how}`
    case "cancelled":
      return `${style("yellow", "■")} ${name} was cancelled ${how}`
    case "gone":
      return `${style("yellow", "■")} ${name} has ended, and was removed before it was seen how`
    default:
      return `${style("red", "✗")} ${name} failed ${how}`
  }
}

const callsOf = (summary: Summary) => summary.tasks.reduce((sum, task) => sum + task.calls, 0)

const indent = (lines: ReadonlyArray<string>) => lines.map((line) => (line === "" ? "" : `  ${line}`))

const facts = (summary: Summary, style: Style): ReadonlyArray<string> => {
  const all: ReadonlyArray<readonly [string, string]> = [
    ["run", summary.run],
    ["engine", `${summary.engine}, ${counted(summary.workers, "worker")}`],
    ["planner", [summary.planner, ...summary.notes].join(" · ")],
    ...efficiency(summary),
    ["moved", `${bytes(summary.bytesWritten)} written, ${bytes(summary.bytesRead)} read`],
    ...(summary.retries === 0 ? [] : [["retries", count(summary.retries)] as const])
  ]
  return all.map(([name, value]) => `${style("dim", name.padEnd(10))}  ${value}`)
}

/** Tasks that wait leave their place to others: then more run at once than there are threads or processes. */
const efficiency = (summary: Summary): ReadonlyArray<readonly [string, string]> => {
  const { efficiency, engine, executionMs, makespanMs, parallelism } = summary
  const atOnce = executionMs / makespanMs
  const tasks = `${atOnce < 9.95 ? atOnce.toFixed(1) : count(Math.round(atOnce))} tasks at once`
  if (engine === "lambda") return makespanMs < 1 ? [] : [["on average", tasks]]
  if (efficiency === undefined || parallelism === undefined) return []
  const places =
    engine === "processes" ? counted(parallelism, "process", "processes") : counted(parallelism, "thread")
  const text =
    atOnce > parallelism * 1.1
      ? `${tasks} on ${places}, since they wait`
      : `${percent(efficiency)} of ${places} (${tasks})`
  return [["efficiency", text]]
}

const taskTable = ({ executionMs, tasks }: Summary, style: Style): ReadonlyArray<string> => {
  const rows = tasks.slice(0, MOST_TASKS).map((task) => {
    const share = executionMs === 0 ? 0 : task.executionMs / executionMs
    return [
      task.task,
      count(task.calls),
      duration(task.executionMs),
      duration(task.executionMs / task.calls),
      duration(task.longestMs),
      percent(share),
      "━".repeat(Math.round(share * BAR))
    ]
  })
  const more = tasks.length - rows.length
  return [
    ...table(
      [
        {},
        { align: "right" },
        { align: "right", format: "bold" },
        { align: "right" },
        { align: "right" },
        { align: "right" },
        { format: "cyan" }
      ],
      [["task", "calls", "time", "mean", "longest", "share", ""], ...rows],
      style
    ),
    ...(more === 0 ? [] : [style("dim", `and ${more} more`)])
  ]
}

const slowestTable = ({ slowest }: Summary, style: Style): ReadonlyArray<string> =>
  table(
    [{}, { align: "right", format: "bold" }, { format: "dim" }],
    [
      ["slowest call", "time", "worker"],
      ...slowest.map(({ executionMs, node, worker }) => [node, duration(executionMs), worker])
    ],
    style
  )
