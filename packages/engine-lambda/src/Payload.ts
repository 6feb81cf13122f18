/**
 * Work events: one worker's beginning as bytes, and back.
 *
 * Values that several workers of one event read are in it once. What would be too large for Lambda first goes without the
 * values that lie in a store anyway, and then by way of the object store.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { Codec } from "@weft/core"
import { type ObjectStore, type RunDocument, type StoreError, UploadStrategy } from "@weft/storage"
import type { Invocation, Seen } from "@weft/worker"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FunctionVersion } from "./Client.ts"
import { type Event, VERSION } from "./Events.ts"

/** How a run's workers work: the same for all of them. */
export interface RunSettings {
  readonly leaseMs: number
  readonly parallelism: number
  readonly fanOut: number
  readonly idleMs: number
  /** The function for each memory size, in MiB: versions do not change while the run goes on. */
  readonly functions: ReadonlyMap<number, FunctionVersion>
  /** What workers need to join the run, if it is small enough to travel with every event. */
  readonly document: RunDocument | undefined
}

/** What an event says. */
export interface Task {
  readonly settings: RunSettings
  readonly invocation: Invocation
  /** How long tasks take, as far as whoever invokes knows. */
  readonly seen: Seen
}

type WorkEvent = Extract<Event, { readonly weft: "work" }>

/** An event as JSON, and what has to be in the object store before it is sent. */
export interface Composed {
  readonly event: string
  readonly object?: { readonly key: string; readonly bytes: Uint8Array }
}

/** What Lambda takes asynchronously, in bytes of JSON; it says 1 MB, and we leave open which. */
const MAX_EVENT_BYTES = 1_000_000
/** Less than this is not worth packing, in bytes. */
const PACKED_FROM = 512
/** What is unpacked at most, in bytes: a guard against nonsense. */
const MAX_BODY_BYTES = 2 ** 30

/** Under which key an event's body lies, if it is too large. */
const bodyKey = (worker: string): string => `invoke/${worker}`

/** Makes the event that starts a worker. */
export const compose = ({ invocation, seen, settings }: Task): Composed => {
  const { run, worker } = invocation
  const header = { weft: "work", version: VERSION, run, worker } as const
  const full = pack(bodyOf({ ...settings, seen }, invocation, () => true))
  if (fits(full.bytes)) return { event: JSON.stringify(inline(header, full)) }
  const less = pack(bodyOf({ ...settings, seen }, invocation, ([, , stored]) => !stored))
  if (fits(less.bytes)) return { event: JSON.stringify(inline(header, less)) }
  const object = { key: bodyKey(worker), bytes: less.bytes }
  const { unpackedBytes } = less
  return { event: JSON.stringify({ ...header, object: object.key, ...optional({ unpackedBytes }) }), object }
}

const fits = (bytes: Uint8Array): boolean => (bytes.length * 4) / 3 + HEADER_BYTES <= MAX_EVENT_BYTES
/** More than all but the body takes. */
const HEADER_BYTES = 1000

const inline = <H>(header: H, { bytes, unpackedBytes }: Packed) => ({
  ...header,
  body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  ...optional({ unpackedBytes })
})

const optional = (fields: { readonly unpackedBytes: number | undefined }) =>
  fields.unpackedBytes === undefined ? {} : { unpackedBytes: fields.unpackedBytes }

interface Packed {
  readonly bytes: Uint8Array
  /** `undefined`: not packed. */
  readonly unpackedBytes: number | undefined
}

/** The fastest level: 70 KB take 0.05 ms, packed or not, and trees of invocations shrink to a tenth. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const pack = (bytes: Uint8Array): Packed => {
  if (bytes.length < PACKED_FROM) return { bytes, unpackedBytes: undefined }
  const packed = zstdCompressSync(bytes, LEVEL)
  return packed.length < 0.9 * bytes.length
    ? { bytes: packed, unpackedBytes: bytes.length }
    : { bytes, unpackedBytes: undefined }
}

type Value = Invocation["values"][number]

/** An invocation whose values are numbers of values of the event. */
interface Wire extends Omit<Invocation, "run" | "values" | "spawn"> {
  readonly values: ReadonlyArray<number>
  readonly spawn: ReadonlyArray<Wire>
}

const bodyOf = (
  { document, functions, ...settings }: RunSettings & Pick<Task, "seen">,
  invocation: Invocation,
  keeps: (value: Value) => boolean
): Uint8Array => {
  const values: Array<Value> = []
  const known = new Map<unknown, number>()
  const number = (value: Value): number => {
    const at = known.get(value[0]) ?? values.push(value) - 1
    known.set(value[0], at)
    return at
  }
  const wire = ({ run: _, spawn, values, ...rest }: Invocation): Wire => ({
    ...rest,
    values: values.filter(keeps).map(number),
    spawn: spawn.map(wire)
  })
  const invoked = wire(invocation)
  return Codec.encode({ ...settings, functions: [...functions], document, values, invocation: invoked })
}

const Instance = Schema.Union([Schema.Finite, Schema.String])
const Bytes = Schema.Uint8Array
const Count = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
type Same<A, B> = [A, B] extends [B, A] ? true : never
const Index = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

const Wire = Schema.Struct({
  worker: Schema.String,
  named: Schema.Boolean,
  work: Schema.Array(Schema.Struct({ instance: Instance, attempt: Schema.Finite })),
  adopted: Schema.optionalKey(Schema.Literal(true)),
  from: Schema.optional(Schema.String),
  memoryMiB: Schema.optional(Schema.Finite),
  limited: Schema.optional(Schema.Struct({ instance: Instance, workers: Count })),
  sentAt: Schema.optional(Schema.Finite),
  values: Schema.Array(Index),
  spawn: Schema.Array(Schema.suspend((): Schema.Codec<Wire> => Wire))
})

/** Nothing of an invocation is left out. */
true satisfies Same<keyof (typeof Wire)["Type"], keyof Wire>

const Body = Schema.Struct({
  leaseMs: Count,
  parallelism: Count,
  fanOut: Count,
  idleMs: Count,
  functions: Schema.Array(Schema.Tuple([Schema.Finite, Schema.String])),
  document: Schema.optional(
    Schema.Struct({
      graph: Bytes,
      plan: Bytes,
      module: Schema.String,
      behaviours: Schema.Array(Schema.Struct({ module: Schema.String, annotation: Schema.String })),
      metrics: Schema.optional(UploadStrategy)
    })
  ),
  values: Schema.Array(Schema.Tuple([Instance, Bytes, Schema.Boolean])),
  seen: Schema.Array(Schema.Tuple([Index, Count, Count])),
  invocation: Wire
})
const decodeBody = Schema.decodeUnknownSync(Body)

/** An event that this version does not understand. */
export class EventError extends Data.TaggedError("EventError")<{
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message() {
    return `this event cannot be worked on: ${this.reason}`
  }
}

/** Reads what a worker is to do. */
export const read = Effect.fnUntraced(function* (
  { body, object, run, unpackedBytes }: WorkEvent,
  objects: ObjectStore["Service"]
): Effect.fn.Return<Task, EventError | StoreError> {
  const packed = object === undefined ? body : (yield* objects.get(run, [object]))[0]
  if (packed === undefined) {
    return yield* new EventError({
      reason:
        object === undefined
          ? "it has no body"
          : `what it refers to (${object}) is gone, most likely with its run`
    })
  }
  return yield* Effect.try({
    try: () => decode(run, unpackedBytes === undefined ? packed : unpack(packed, unpackedBytes)),
    catch: (cause) =>
      new EventError({
        reason: `its body cannot be read (${cause instanceof Error ? cause.message : String(cause)}); it may be of another version of weft`,
        cause
      })
  })
})

const unpack = (bytes: Uint8Array, unpackedBytes: number): Uint8Array =>
  zstdDecompressSync(bytes, { maxOutputLength: Math.min(unpackedBytes, MAX_BODY_BYTES) })

const decode = (run: string, bytes: Uint8Array): Task => {
  const { functions, invocation, seen, values, ...settings } = decodeBody(Codec.decode(bytes))
  const invoked = ({ spawn, values: numbers, ...rest }: Wire): Invocation => ({
    ...rest,
    run,
    values: numbers.map((number) => {
      const value = values[number]
      if (value === undefined) throw new Error(`there is no value ${number}`)
      return value
    }),
    spawn: spawn.map(invoked)
  })
  return {
    settings: { ...settings, document: settings.document, functions: new Map(functions) },
    invocation: invoked(invocation),
    seen
  }
}
