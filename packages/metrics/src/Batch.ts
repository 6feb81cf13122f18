/**
 * Batches: what workers of one process have measured of a run since their last one, as bytes.
 *
 * Format 1: CBOR with the fields of {@link Batch}. Moments are in ms since the epoch by the process's clock, and `offsetMs`
 * says by how much that is off. A batch that came twice is known by its process and number; what it says of a life replaces
 * what earlier ones of the process said.
 */
import { Codec } from "@weft/core"
import * as Schema from "effect/Schema"
import { Data } from "./Columns.ts"

const VERSION = 1

const Amount = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
const Id = Schema.Union([Schema.Int, Schema.String])

/** One life of a worker, as far as it has come. */
const Life = Schema.Struct({
  /** Within its process. */
  life: Count,
  worker: Schema.String,
  named: Schema.Boolean,
  /** In MiB; absent where workers have no sizes. */
  memory: Schema.optional(Amount),
  /** When its invocation was sent, by the store's clock. */
  sentAt: Schema.optional(Schema.Finite),
  beganAt: Schema.Finite,
  endedAt: Schema.Finite,
  cold: Schema.optional(Schema.Boolean),
  loadMs: Amount,
  roundTrips: Count,
  callsMs: Schema.Array(Amount),
  invokesMs: Schema.Array(Amount),
  prewarmed: Count,
  bytesRead: Amount,
  bytesWritten: Amount
})
export type Life = typeof Life.Type

const Batch = Schema.Struct({
  version: Schema.Literal(VERSION),
  process: Schema.String,
  number: Count,
  /** The store's time less the process's, in ms. */
  offsetMs: Schema.Finite,
  lives: Schema.Array(Life),
  /** `worker` is a life; `startedMs` a moment by the process's clock. */
  nodes: Data,
  /** Completions that changed nothing, since others came first. */
  refused: Schema.Array(Schema.Tuple([Count, Id])),
  /** Values that were encoded after their node was complete, with their bytes. */
  encoded: Schema.Array(Schema.Tuple([Id, Amount])),
  /** Lists that were opened: by whom, and how long they are. */
  widths: Schema.Array(Schema.Tuple([Id, Count]))
})
export type Batch = typeof Batch.Type

const decodeBatch = Schema.decodeUnknownSync(Batch)

export const encode = (batch: Omit<Batch, "version">): Uint8Array =>
  Codec.encode({ version: VERSION, ...batch })

/** A batch; `undefined` for what is none, or is of another version: nothing depends on it. */
export const decode = (bytes: Uint8Array): Batch | undefined => {
  try {
    return decodeBatch(Codec.decode(bytes))
  } catch {
    return undefined
  }
}
