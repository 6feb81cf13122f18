/**
 * Summaries: what is kept of all runs, by key. Their size is bounded, whatever the number of runs and samples.
 *
 * - `task/NAME`: a task's execution time by memory and input bytes; processor time and output bytes by input bytes
 * - `environment/ENGINE`: starting, transfers, calls, and what was left warm
 * - `workflow/SIGNATURE`: lengths of lists, and how far earlier predictions were off
 *
 * What a run adds is a summary of the same form, and merging them ages what was known (see `Series`). The format is
 * versioned and described in the README; what is of another version, or garbage, counts as not there.
 */
import { Codec, Instance } from "@weft/core"
import * as Schema from "effect/Schema"
import * as EnvironmentSummary from "./EnvironmentSummary.ts"
import type { Facts } from "./Facts.ts"
import * as TaskSummary from "./TaskSummary.ts"
import * as WorkflowSummary from "./WorkflowSummary.ts"

export type { Calibration } from "./WorkflowSummary.ts"

export type Summary =
  | { readonly kind: "task"; readonly task: TaskSummary.TaskSummary }
  | { readonly kind: "environment"; readonly environment: EnvironmentSummary.EnvironmentSummary }
  | { readonly kind: "workflow"; readonly workflow: WorkflowSummary.WorkflowSummary }

export const taskKey = (name: string): string => `task/${name}`
export const environmentKey = (engine: string): string => `environment/${engine}`
export const workflowKey = (signature: string): string => `workflow/${signature}`

/** What a run adds, by key. */
export const summarise = (
  facts: Facts,
  calibration?: WorkflowSummary.Calibration
): ReadonlyMap<string, Summary> => {
  const summaries = new Map<string, Summary>()
  const byTask = Map.groupBy(facts.nodes, ({ instance }) => facts.taskOf(Instance.nodeOf(instance)))
  for (const [name, nodes] of byTask) {
    if (name !== undefined)
      summaries.set(taskKey(name), { kind: "task", task: TaskSummary.of(nodes, facts.workers) })
  }
  summaries.set(environmentKey(facts.engine), {
    kind: "environment",
    environment: EnvironmentSummary.of(facts)
  })
  summaries.set(workflowKey(facts.signature), {
    kind: "workflow",
    workflow: WorkflowSummary.of(facts, calibration)
  })
  return summaries
}

/** What a prediction that can be compared by now adds, by key. */
export const calibrate = (
  facts: Facts,
  predicted: WorkflowSummary.Calibration
): ReadonlyMap<string, Summary> => {
  const { calibrations } = WorkflowSummary.of(facts, predicted)
  return new Map([
    [
      workflowKey(facts.signature),
      { kind: "workflow", workflow: { runs: 0, coldRuns: 0, widths: new Map(), calibrations } }
    ]
  ])
}

/** What was known, aged, and what one more run adds. */
export const merge = (old: Summary | undefined, delta: Summary): Summary => {
  if (old?.kind === "task" && delta.kind === "task")
    return { kind: "task", task: TaskSummary.merge(old.task, delta.task) }
  if (old?.kind === "environment" && delta.kind === "environment")
    return {
      kind: "environment",
      environment: EnvironmentSummary.merge(old.environment, delta.environment)
    }
  if (old?.kind === "workflow" && delta.kind === "workflow")
    return { kind: "workflow", workflow: WorkflowSummary.merge(old.workflow, delta.workflow) }
  return delta
}

const VERSION = 2
const version = Schema.Literal(VERSION)

const Document = Schema.Union([
  Schema.Struct({ version, kind: Schema.Literal("task"), task: TaskSummary.Encoded }),
  Schema.Struct({ version, kind: Schema.Literal("environment"), environment: EnvironmentSummary.Encoded }),
  Schema.Struct({ version, kind: Schema.Literal("workflow"), workflow: WorkflowSummary.Encoded })
])
const isDocument = Schema.is(Document)

export const encode = (summary: Summary): Uint8Array => {
  switch (summary.kind) {
    case "task":
      return write({ version: VERSION, kind: "task", task: TaskSummary.encode(summary.task) })
    case "environment":
      return write({
        version: VERSION,
        kind: "environment",
        environment: EnvironmentSummary.encode(summary.environment)
      })
    case "workflow":
      return write({
        version: VERSION,
        kind: "workflow",
        workflow: WorkflowSummary.encode(summary.workflow)
      })
  }
}
const write = (document: typeof Document.Type) => Codec.encode(document)

/** `undefined` for what is no summary of this version. */
export const decode = (bytes: Uint8Array): Summary | undefined => {
  const document = readable(bytes)
  if (!isDocument(document)) return undefined
  switch (document.kind) {
    case "task":
      return { kind: "task", task: TaskSummary.decode(document.task) }
    case "environment":
      return { kind: "environment", environment: EnvironmentSummary.decode(document.environment) }
    case "workflow":
      return { kind: "workflow", workflow: WorkflowSummary.decode(document.workflow) }
  }
}

const readable = (bytes: Uint8Array): unknown => {
  try {
    return Codec.decode(bytes)
  } catch {
    // Garbage: it has been said that it counts as not there.
    return undefined
  }
}
