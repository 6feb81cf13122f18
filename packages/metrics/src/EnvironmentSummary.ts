/**
 * What is kept of where workers run, by engine: how long starting, transfers and calls take, and which environments the last
 * run has left warm.
 */
import { Schema } from "effect"
import type * as Cells from "./Cells.ts"
import { type Facts, type NodeFact, startingMs, type WorkerFact } from "./Facts.ts"
import * as Left from "./Left.ts"
import * as Series from "./Series.ts"

export interface EnvironmentSummary {
  /**
   * From the moment an invocation is sent until its worker turns to its first node, in ms, by memory. Where environments
   * are not told apart both have all starts.
   */
  readonly cold: Series.Series
  readonly warm: Series.Series
  /** In ms, by encoded bytes: what a node reads together, what it writes. */
  readonly read: Series.Series
  readonly write: Series.Series
  /** One call of coordination, sending one invocation: in ms. */
  readonly call: Series.Series
  readonly invoke: Series.Series
  readonly left: Left.Left
}

/** Clocks of machines differ by so much even when corrected, in ms: a start of less than nothing is none at all. */
const SKEW = 100

/** What one run adds. */
export const of = (facts: Facts): EnvironmentSummary => {
  const { nodes, workers } = facts
  const transfers = nodes.flatMap((fact) => transfersOf(fact))
  const starts = (isCold: boolean) =>
    Series.of(
      workers.filter(({ cold }) => cold === undefined || cold === isCold).flatMap((worker) => startOf(worker))
    )
  return {
    cold: starts(true),
    warm: starts(false),
    read: Series.of(transfers.filter(({ direction }) => direction === "read")),
    write: Series.of(transfers.filter(({ direction }) => direction === "write")),
    call: Series.of(workers.flatMap(({ callsMs }) => callsMs.map((value) => ({ value })))),
    invoke: Series.of(workers.flatMap(({ invokesMs }) => invokesMs.map((value) => ({ value })))),
    left: Left.of(facts)
  }
}

/** How long a worker took to start, once there was a place for it; nothing if nobody knows. */
export const startOf = (worker: WorkerFact): ReadonlyArray<Cells.Sample> => {
  const from = startingMs(worker)
  if (from === undefined) return []
  const { beganMs, loadMs, memory } = worker
  const tookMs = beganMs - from
  return tookMs >= -SKEW && loadMs >= 0 ? [{ memory, value: Math.max(0, tookMs) + loadMs }] : []
}

interface Transfer extends Cells.Sample {
  readonly direction: "read" | "write"
  readonly bytes: number
}

/** What a node has read and written, as far as the times were not of other things. */
export const transfersOf = (fact: NodeFact): ReadonlyArray<Transfer> => {
  const { inputsMs, preloadedBytes, preloadedMs, publishMs, readBytes, weight, writtenBytes } = fact
  const transfers: Array<Transfer> = []
  if (preloadedBytes > 0)
    transfers.push({ direction: "read", bytes: preloadedBytes, value: preloadedMs, weight })
  // Else `inputs` also waited for what was being preloaded.
  else if (readBytes > 0) transfers.push({ direction: "read", bytes: readBytes, value: inputsMs, weight })
  if (writtenBytes > 0) transfers.push({ direction: "write", bytes: writtenBytes, value: publishMs, weight })
  return transfers
}

export const merge = (old: EnvironmentSummary, delta: EnvironmentSummary): EnvironmentSummary => ({
  cold: Series.merge(old.cold, delta.cold),
  warm: Series.merge(old.warm, delta.warm),
  read: Series.merge(old.read, delta.read),
  write: Series.merge(old.write, delta.write),
  call: Series.merge(old.call, delta.call),
  invoke: Series.merge(old.invoke, delta.invoke),
  left: Left.merge(old.left, delta.left)
})

export const Encoded = Schema.Struct({
  cold: Series.Encoded,
  warm: Series.Encoded,
  read: Series.Encoded,
  write: Series.Encoded,
  call: Series.Encoded,
  invoke: Series.Encoded,
  left: Left.Left
})
export type Encoded = typeof Encoded.Type

export const encode = ({ call, cold, invoke, left, read, warm, write }: EnvironmentSummary): Encoded => ({
  cold: Series.encode(cold),
  warm: Series.encode(warm),
  read: Series.encode(read),
  write: Series.encode(write),
  call: Series.encode(call),
  invoke: Series.encode(invoke),
  left
})

export const decode = ({ call, cold, invoke, left, read, warm, write }: Encoded): EnvironmentSummary => ({
  cold: Series.decode(cold),
  warm: Series.decode(warm),
  read: Series.decode(read),
  write: Series.decode(write),
  call: Series.decode(call),
  invoke: Series.decode(invoke),
  left
})
