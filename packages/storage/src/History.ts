/**
 * History: what past runs measured. Plans are made from it.
 *
 * It keeps three things. *Records* of runs, with details that are read for one run only. *Summaries* by key, which do not
 * grow with the number of runs: what predictions are made from; how they are merged is not the store's concern
 * (`@weft/metrics`). And *batches*: what workers have measured of a run that has no record yet.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  checkPruning,
  type HistoryQuery,
  limitOf,
  type Pruning,
  RETENTION,
  type Retention,
  type Summary
} from "./HistoryQuery.ts"
import { MemoryHistory } from "./internal/MemoryHistory.ts"
import { encodeRecord, type RunRecord } from "./RunRecord.ts"
import type { StoreError } from "./StoreError.ts"

/** Records of runs, summaries, and batches. */
export class History extends Context.Service<
  History,
  {
    /**
     * Adds a record, and removes the run's batches; a record of the same run is replaced. So many newer ones of the
     * workflow push the oldest out ({@link Retention}). Refused (`StoreError`) if a number in it cannot be.
     *
     * @param details what belongs to the run and is read by {@link details} only
     */
    readonly record: (record: RunRecord, details?: Uint8Array) => Effect.Effect<void, StoreError>
    /**
     * Newest first, by their beginning; of the same moment the one recorded last. Records of another version of weft, and
     * what is no record, are passed over.
     */
    readonly runs: (query: HistoryQuery) => Effect.Effect<ReadonlyArray<RunRecord>, StoreError>
    /** How many records are passed over: for people, to be told. Reads all of them. */
    readonly unreadable: Effect.Effect<number, StoreError>
    /** What was recorded with the run; `undefined` if there is none, or no longer. */
    readonly details: (run: string) => Effect.Effect<Uint8Array | undefined, StoreError>
    /** Removes the run's record, details and batches. */
    readonly remove: (run: string) => Effect.Effect<void, StoreError>
    /** Removes records, also those that are passed over. How many. Summaries stay. */
    readonly prune: (which: Pruning) => Effect.Effect<number, StoreError>

    /** Summaries in the order of the keys; `undefined` for what is not there. */
    readonly summaries: (
      keys: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Summary | undefined>, StoreError>
    /**
     * Replaces a summary if it still has the revision (`undefined`: if there is none); whether it did. So that of two who
     * merge something into it at the same time neither is lost: who was too late reads again and repeats. No revision
     * comes back, also if the summary was removed in between.
     */
    readonly replace: (
      key: string,
      bytes: Uint8Array,
      revision: number | undefined
    ) => Effect.Effect<boolean, StoreError>
    /** The keys of all summaries, in any order. */
    readonly keys: Effect.Effect<ReadonlyArray<string>, StoreError>
    readonly removeSummaries: (keys: ReadonlyArray<string>) => Effect.Effect<void, StoreError>

    /**
     * Adds a batch of what a worker has measured. It is kept until the run is recorded or removed, or until a day has
     * passed in which no other came.
     */
    readonly upload: (run: string, batch: Uint8Array) => Effect.Effect<void, StoreError>
    /** The run's batches, in the order in which they came. */
    readonly batches: (run: string) => Effect.Effect<ReadonlyArray<Uint8Array>, StoreError>
  }
>()("@weft/storage/History") {
  /** In this process's memory: forgotten when it ends. Each build of the layer is a history of its own. */
  static readonly layerMemory: Layer.Layer<History> = Layer.effect(
    History,
    Effect.map(Clock.Clock, (clock) => History.makeMemory({}, () => clock.currentTimeMillisUnsafe()))
  )

  /** The same, not as a layer. Does not copy the bytes that it is given. */
  static makeMemory(retention: Partial<Retention> = {}, now: () => number = Date.now): History["Service"] {
    const memory = new MemoryHistory({ ...RETENTION, ...retention }, now)
    return History.of({
      record: (record, details) => Effect.map(encodeRecord(record), () => memory.record(record, details)),
      runs: (query) => Effect.map(limitOf(query), (limit) => memory.runs(query, limit)),
      unreadable: Effect.succeed(0),
      details: (run) => Effect.sync(() => memory.details(run)),
      remove: (run) => Effect.sync(() => memory.remove(run)),
      prune: (which) => Effect.map(checkPruning(which), () => memory.prune(which)),
      summaries: (keys) => Effect.sync(() => memory.summaries(keys)),
      replace: (key, bytes, revision) => Effect.sync(() => memory.replace(key, bytes, revision)),
      keys: Effect.sync(() => memory.keys()),
      removeSummaries: (keys) => Effect.sync(() => memory.removeSummaries(keys)),
      upload: (run, batch) => Effect.sync(() => memory.upload(run, batch)),
      batches: (run) => Effect.sync(() => memory.batches(run))
    })
  }
}
