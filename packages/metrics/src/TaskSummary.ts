/**
 * What is kept of a task.
 */
import type { Predictions } from "@weft/core"
import * as Schema from "effect/Schema"
import { beganAs, type NodeFact, type WorkerFact } from "./Facts.ts"
import * as Series from "./Series.ts"

export interface TaskSummary {
  /** How many runs called it. */
  readonly runs: number
  /**
   * In ms, by memory and input bytes; retries and their pauses included. In environments that were started for the run, where
   * code is not compiled yet and others start beside it; and in all others.
   */
  readonly cold: Series.Series
  readonly warm: Series.Series
  /** In ms, by input bytes: as much is computed whatever the memory. */
  readonly processor: Series.Series
  /** Encoded bytes of the value, by input bytes; values that were never encoded say nothing. */
  readonly output: Series.Series
}

/** What the calls of one run add. */
export const of = (nodes: ReadonlyArray<NodeFact>, workers: ReadonlyArray<WorkerFact>): TaskSummary => ({
  runs: nodes.length === 0 ? 0 : 1,
  cold: execution(nodes, workers, "cold"),
  warm: execution(nodes, workers, "warm"),
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

const execution = (
  nodes: ReadonlyArray<NodeFact>,
  workers: ReadonlyArray<WorkerFact>,
  start: Predictions.Start
): Series.Series =>
  Series.of(
    nodes.flatMap(({ executionMs, inputBytes, weight, worker }) => {
      const life = workers[worker]
      return beganAs(life) === start
        ? [{ memory: life?.memory, bytes: inputBytes, value: executionMs, weight }]
        : []
    })
  )

export const merge = (old: TaskSummary, delta: TaskSummary): TaskSummary => ({
  runs: old.runs + delta.runs,
  cold: Series.merge(old.cold, delta.cold),
  warm: Series.merge(old.warm, delta.warm),
  processor: Series.merge(old.processor, delta.processor),
  output: Series.merge(old.output, delta.output)
})

export const Encoded = Schema.Struct({
  runs: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  cold: Series.Encoded,
  warm: Series.Encoded,
  processor: Series.Encoded,
  output: Series.Encoded
})
export type Encoded = typeof Encoded.Type

export const encode = ({ cold, output, processor, runs, warm }: TaskSummary): Encoded => ({
  runs,
  cold: Series.encode(cold),
  warm: Series.encode(warm),
  processor: Series.encode(processor),
  output: Series.encode(output)
})

export const decode = ({ cold, output, processor, runs, warm }: Encoded): TaskSummary => ({
  runs,
  cold: Series.decode(cold),
  warm: Series.decode(warm),
  processor: Series.decode(processor),
  output: Series.decode(output)
})
