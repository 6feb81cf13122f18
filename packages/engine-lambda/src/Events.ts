/**
 * What the functions of a deployment are invoked with: JSON, as Lambda wants it.
 *
 * - `work` starts one worker. What it is to do is a {@link Task}, as CBOR, packed and in base64; or it lies in the object
 *   store, if Lambda would not take it.
 * - `prewarm` starts an environment, or keeps one, and does nothing else.
 * - `check` answers whether the function can do its work.
 */
import * as Schema from "effect/Schema"

/** Of this format, and of no other. */
export const VERSION = 1

const Count = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

/** Starts a worker; `run` and `worker` are for people who read logs. */
const Work = Schema.Struct({
  weft: Schema.Literal("work"),
  version: Schema.Literal(VERSION),
  run: Schema.String,
  worker: Schema.String,
  /** A {@link Task}. */
  body: Schema.optionalKey(Schema.Uint8ArrayFromBase64),
  /** Present if the body is packed (zstd): how many bytes it has when it is not. */
  unpackedBytes: Schema.optionalKey(Count),
  /** The key in the object store under which the body lies, as it would stand in the event. */
  object: Schema.optionalKey(Schema.String)
})

/** Starts an environment and leaves it idle. */
const Prewarm = Schema.Struct({
  weft: Schema.Literal("prewarm"),
  version: Schema.Literal(VERSION),
  /** For how long the environment stays taken, in ms, so that as many events meet as many environments. */
  holdMs: Count,
  /** Of the run that it is for, whose document is fetched and decoded meanwhile. */
  run: Schema.optionalKey(Schema.String)
})

/** Asks whether the function can do its work. */
const Check = Schema.Struct({ weft: Schema.Literal("check"), version: Schema.Literal(VERSION) })

export const Event = Schema.Union([Work, Prewarm, Check])
export type Event = typeof Event.Type

/** The event of a check, as it is sent. */
export const check = { weft: "check", version: VERSION } as const

/** What a function says of itself. */
export const Checked = Schema.Struct({
  /** Of the function, as Lambda numbers it. */
  functionVersion: Schema.String,
  /** `Bundle.version`. */
  bundle: Schema.String,
  memoryMiB: Schema.Finite,
  /** The names of the tasks that the bundle has. */
  tasks: Schema.Array(Schema.String),
  /** As people are told, without secrets. */
  store: Schema.optionalKey(Schema.String),
  /** How long connecting to the stores and asking each once took, in ms. */
  storeMs: Schema.optionalKey(Schema.Finite),
  /** What is wrong, each with what to do about it; none if the function can do its work. */
  problems: Schema.Array(Schema.String)
})
export type Checked = typeof Checked.Type
