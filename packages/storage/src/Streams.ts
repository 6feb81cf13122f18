/**
 * Streams: what a generator yields, on its way to those who read it while it runs.
 *
 * A stream belongs to one instance of a node. Its *producer* appends items, each with a position from 0; its *readers*
 * say how far they have read. What all living readers have read is trimmed, so a stream is short however much flows
 * through it. A stream is never the only place where items can be had: whoever finds that what it needs is gone computes
 * it again. So a store may take anybody for dead, at any time, and nothing is lost but time.
 *
 * - **S1** Appending is idempotent: items at positions that the stream has are passed over, so that a repeated call, or
 *   a second producer that yields the same, changes nothing. So are those beyond its limit.
 * - **S2** A stream has one producer: the first, until one with a higher attempt comes. Others are told so.
 * - **S3** Nothing is trimmed that a living reader has not read, nor before `hold` readers have begun, nor after the end.
 * - **S4** With its last reader a stream that has ended goes.
 * - **S5** Messages are hints: everything they say can be read from the state.
 */
import type { InstanceId } from "@weft/core"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreError } from "./StoreError.ts"

/**
 * How a stream ends.
 *
 * - `ended`: what is not trimmed is all there
 * - `stored`: the same, and the whole list is in the object store, as the node's value
 * - `lost`: the rest is nowhere to be had
 * - `failed`: the generator threw
 */
export type StreamEnd = "ended" | "stored" | "lost" | "failed"

/** What a producer says. */
export interface Append {
  /** The worker. */
  readonly producer: string
  /** The attempt of its work: a higher one takes the stream over. */
  readonly attempt: number
  /** The position of the first item. A call with position 0 makes the stream. */
  readonly at: number
  /** May be none: a sign of life. */
  readonly items: ReadonlyArray<Uint8Array>
  /** How many items the stream may hold: the rest is passed over. */
  readonly limit: number
  /** How many readers there will be. */
  readonly readers: number
  /** Nothing is trimmed before so many of them have begun. */
  readonly hold: number
  /** Whether the producer still has every item, and will put the list where readers that came too late find it. */
  readonly whole: boolean
  /** No more will come. */
  readonly end?: StreamEnd
  /** With an end: how many items there were in all, appended or not. */
  readonly total?: number
  /** Of `failed`: why. */
  readonly error?: string
}

/** What a producer learns. */
export interface Appended {
  /** Whether the stream is the caller's (S2). If it is not, nothing has changed. */
  readonly mine: boolean
  /** The position of the first item that is kept. */
  readonly first: number
  /** The position after the last item. */
  readonly next: number
  /** How many readers have begun, those that have left included. */
  readonly begun: number
  /** How many have left: they need no more. */
  readonly left: number
  /** The lowest position of a living reader that has not left; `undefined` if there is none. */
  readonly read: number | undefined
  /** The lowest position that a reader needs that has begun and not left, 0 for the list; `undefined` if there is none. */
  readonly needed: number | undefined
}

/** What a reader says. */
export interface StreamRead {
  /** The instance that reads. */
  readonly reader: string
  /** The worker that runs it. */
  readonly worker: string
  /**
   * The position of the first item that it wants; it has no use for those before. `undefined` if it came too late, and
   * waits for the list: it holds nobody up.
   */
  readonly from: number | undefined
  /** How many items at most; 0 is a sign of life. */
  readonly max: number
}

/** `absent`: never opened, or gone. `silent`: its producer has given no sign of life for too long. */
export type StreamStatus = "absent" | "open" | "silent" | StreamEnd

/** What a reader learns. */
export interface StreamState {
  /** Items from the position that was asked for; none if that is trimmed, or yet to come. */
  readonly items: ReadonlyArray<Uint8Array>
  readonly first: number
  readonly next: number
  readonly status: StreamStatus
  /** How many items there were in all, if it has ended. */
  readonly total: number | undefined
  /** As the producer said. */
  readonly whole: boolean
  /** Of `failed`: why. */
  readonly error: string | undefined
}

/** The state of a stream that a store knows nothing of. */
export const ABSENT: StreamState = {
  items: [],
  first: 0,
  next: 0,
  status: "absent",
  total: undefined,
  whole: false,
  error: undefined
}

/** What one listens for. */
export type StreamNews = "items" | "readers"

/** After how many ms without a sign of life producers and readers are taken for dead, unless a store is told otherwise. */
export const LIFE_MS = 10_000

/** The operations. Each is atomic and takes one round trip; each may be repeated when its answer was lost. */
export class Streams extends Context.Service<
  Streams,
  {
    /** After how many ms without a sign of life producers and readers are taken for dead, by the store's clock. */
    readonly lifeMs: number
    /** Adds items, gives a sign of life, ends the stream. */
    readonly append: (run: string, stream: InstanceId, append: Append) => Effect.Effect<Appended, StoreError>
    /** Reads items, and says how far the reader is. Makes no stream. */
    readonly read: (
      run: string,
      stream: InstanceId,
      read: StreamRead
    ) => Effect.Effect<StreamState, StoreError>
    /** A reader needs no more. */
    readonly leave: (run: string, stream: InstanceId, reader: string) => Effect.Effect<void, StoreError>
    /** Says that workers are lost: streams that they produce, and readers that they run, are dead at once. */
    readonly abandon: (run: string, workers: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
    readonly removeRun: (run: string) => Effect.Effect<void, StoreError>
    /** How many entries of any kind are kept, over all runs: 0 when all runs are removed. */
    readonly usage: Effect.Effect<number, StoreError>
    /**
     * Calls `listener` when something is new, until the scope closes (S5): `items` and the end for readers, how far
     * `readers` are for the producer; the loss of the other side for both.
     */
    readonly subscribe: (
      run: string,
      stream: InstanceId,
      news: StreamNews,
      listener: () => void
    ) => Effect.Effect<void, StoreError, Scope.Scope>
  }
>()("@weft/storage/Streams") {}
