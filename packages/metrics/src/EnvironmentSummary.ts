/**
 * What is kept of where workers run, by engine: how long starting, transfers and calls take, and which environments the last
 * run has left warm.
 */
import type { Predictions } from "@weft/core"
import * as Schema from "effect/Schema"
import type * as Cells from "./Cells.ts"
import { beganAs, type Facts, startingMs, type WorkerFact } from "./Facts.ts"
import * as Left from "./Left.ts"
import * as Series from "./Series.ts"

export interface EnvironmentSummary {
  /**
   * In environments that were started for a run, and in those that were left by another. Where they are not told apart, all
   * is warm.
   */
  readonly cold: Beginning
  readonly warm: Beginning
  readonly left: Left.Left
}

/** What workers take that begin alike. */
export interface Beginning {
  /** From the moment an invocation is sent until its worker turns to its first node, in ms, by memory. */
  readonly start: Series.Series
  /** In ms, by memory and encoded bytes: what a node reads together, what it writes. Cold is a worker's first transfer. */
  readonly read: Series.Series
  readonly write: Series.Series
  /** One call of coordination, sending one invocation: in ms. */
  readonly call: Series.Series
  readonly invoke: Series.Series
}

/** Clocks of machines differ by so much even when corrected, in ms: a start of less than nothing is none at all. */
const SKEW = 100

/** What one run adds. */
export const of = (facts: Facts): EnvironmentSummary => {
  const transfers = transfersOf(facts)
  const beginning = (start: Predictions.Start) =>
    alike(
      facts.workers.filter((worker) => beganAs(worker) === start),
      transfers.filter((transfer) => transfer.start === start)
    )
  return { cold: beginning("cold"), warm: beginning("warm"), left: Left.of(facts) }
}

const alike = (workers: ReadonlyArray<WorkerFact>, transfers: ReadonlyArray<Transfer>): Beginning => ({
  start: Series.of(workers.flatMap(startOf)),
  read: Series.of(transfers.filter(({ direction }) => direction === "read")),
  write: Series.of(transfers.filter(({ direction }) => direction === "write")),
  call: Series.of(workers.flatMap(({ callsMs }) => callsMs.map((value) => ({ value })))),
  invoke: Series.of(workers.flatMap(({ invokesMs }) => invokesMs.map((value) => ({ value }))))
})

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
  readonly start: Predictions.Start
}

/**
 * What is preloaded comes while tasks compute, which delays it. It says how long reading takes where nothing else does, and
 * counts for so much.
 */
const PRELOADED = 1 / 32

/**
 * What nodes have read and written, as far as the times were not of other things. Only the first transfer of a worker in a
 * new environment is cold: it waits for the store's client to be loaded and connected.
 */
export const transfersOf = ({ nodes, workers }: Facts): ReadonlyArray<Transfer> => {
  const transfers: Array<Transfer> = []
  const connected = new Set<number>()
  for (const fact of nodes) {
    const {
      inputsMs,
      preloadedBytes,
      preloadedMs,
      publishMs,
      readBytes,
      weight = 1,
      worker,
      writtenBytes
    } = fact
    const life = workers[worker]
    const add = (direction: Transfer["direction"], bytes: number, value: number, counts = 1) => {
      if (bytes === 0) return
      const start = connected.has(worker) ? "warm" : beganAs(life)
      connected.add(worker)
      transfers.push({ direction, start, memory: life?.memory, bytes, value, weight: weight * counts })
    }
    if (preloadedBytes > 0) add("read", preloadedBytes, preloadedMs, PRELOADED)
    // Else `inputs` also waited for what was being preloaded.
    else add("read", readBytes, inputsMs)
    add("write", writtenBytes, publishMs)
  }
  return transfers
}

export const merge = (old: EnvironmentSummary, delta: EnvironmentSummary): EnvironmentSummary => ({
  cold: mergeAlike(old.cold, delta.cold),
  warm: mergeAlike(old.warm, delta.warm),
  left: Left.merge(old.left, delta.left)
})

const mergeAlike = (old: Beginning, delta: Beginning): Beginning => ({
  start: Series.merge(old.start, delta.start),
  read: Series.merge(old.read, delta.read),
  write: Series.merge(old.write, delta.write),
  call: Series.merge(old.call, delta.call),
  invoke: Series.merge(old.invoke, delta.invoke)
})

const EncodedBeginning = Schema.Struct({
  start: Series.Encoded,
  read: Series.Encoded,
  write: Series.Encoded,
  call: Series.Encoded,
  invoke: Series.Encoded
})

export const Encoded = Schema.Struct({ cold: EncodedBeginning, warm: EncodedBeginning, left: Left.Left })
export type Encoded = typeof Encoded.Type

export const encode = ({ cold, left, warm }: EnvironmentSummary): Encoded => ({
  cold: encodeAlike(cold),
  warm: encodeAlike(warm),
  left
})

const encodeAlike = ({ call, invoke, read, start, write }: Beginning): Encoded["cold"] => ({
  start: Series.encode(start),
  read: Series.encode(read),
  write: Series.encode(write),
  call: Series.encode(call),
  invoke: Series.encode(invoke)
})

export const decode = ({ cold, left, warm }: Encoded): EnvironmentSummary => ({
  cold: decodeAlike(cold),
  warm: decodeAlike(warm),
  left
})

const decodeAlike = ({ call, invoke, read, start, write }: Encoded["cold"]): Beginning => ({
  start: Series.decode(start),
  read: Series.decode(read),
  write: Series.decode(write),
  call: Series.decode(call),
  invoke: Series.decode(invoke)
})
