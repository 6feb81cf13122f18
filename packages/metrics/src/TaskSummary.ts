/**
 * What is kept of a task.
 */
import { Schema } from "effect"
import type { NodeFact, WorkerFact } from "./Facts.ts"
import * as Series from "./Series.ts"

export interface TaskSummary {
  /** In ms, by memory and input bytes; retries and their pauses included. */
  readonly execution: Series.Series
  /** In ms, by input bytes: as much is computed whatever the memory. */
  readonly processor: Series.Series
  /** Encoded bytes of the value, by input bytes; values that were never encoded say nothing. */
  readonly output: Series.Series
}

/** What the calls of one run add. */
export const of = (nodes: ReadonlyArray<NodeFact>, workers: ReadonlyArray<WorkerFact>): TaskSummary => ({
  execution: Series.of(
    nodes.map(({ executionMs, inputBytes, weight, worker }) => ({
      memory: workers[worker]?.memory,
      bytes: inputBytes,
      value: executionMs,
      weight
    }))
  ),
  processor: Series.of(
    nodes.flatMap(({ inputBytes, processorMs, weight }) =>
      processorMs === undefined ? [] : [{ bytes: inputBytes, value: processorMs, weight }]
    )
  ),
  output: Series.of(
    nodes.flatMap(({ inputBytes, outputBytes, weight }) =>
      outputBytes > 0 ? [{ bytes: inputBytes, value: outputBytes, weight }] : []
    )
  )
})

export const merge = (old: TaskSummary, delta: TaskSummary): TaskSummary => ({
  execution: Series.merge(old.execution, delta.execution),
  processor: Series.merge(old.processor, delta.processor),
  output: Series.merge(old.output, delta.output)
})

export const Encoded = Schema.Struct({
  execution: Series.Encoded,
  processor: Series.Encoded,
  output: Series.Encoded
})
export type Encoded = typeof Encoded.Type

export const encode = ({ execution, output, processor }: TaskSummary): Encoded => ({
  execution: Series.encode(execution),
  processor: Series.encode(processor),
  output: Series.encode(output)
})

export const decode = ({ execution, output, processor }: Encoded): TaskSummary => ({
  execution: Series.decode(execution),
  processor: Series.decode(processor),
  output: Series.decode(output)
})
