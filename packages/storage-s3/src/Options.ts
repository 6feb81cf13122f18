/** What people say about the bucket to use: plain data, checked once. */
import { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const MIB = 2 ** 20

const withDefault = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefault(Effect.succeed(value)))

const atLeast = (minimum: number) => Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(minimum)))

const Credentials = Schema.Struct({
  accessKeyId: Schema.String,
  secretAccessKey: Schema.String,
  sessionToken: Schema.optionalKey(Schema.String)
})

/** Options with their defaults. */
export const Settings = Schema.Struct({
  /** The bucket's name. It has to exist. */
  bucket: Schema.NonEmptyString,
  /** What all keys begin with: `prefix/run/key`. Default `weft`. */
  prefix: withDefault(Schema.String.pipe(Schema.check(Schema.isPattern(/^[^/\s]([^\s]*[^/\s])?$/))), "weft"),
  /** The bucket's region. Default: what `AWS_REGION` or the profile says. */
  region: Schema.optional(Schema.NonEmptyString),
  /** Where another service than AWS speaks S3, as `http://localhost:9000`. */
  endpoint: Schema.optional(Schema.NonEmptyString),
  /** Whether the bucket's name goes into the path, not into the host. Default: with an `endpoint`. */
  forcePathStyle: Schema.optional(Schema.Boolean),
  /** Default: the environment, the profile, or the role of the machine or function. */
  credentials: Schema.optional(Credentials),
  /** Larger objects are put in parts of so many bytes, in parallel. From 5 MiB; default 8 MiB. */
  partBytes: withDefault(atLeast(5 * MIB), 8 * MIB),
  /** Larger objects are got in ranges of so many bytes, in parallel. From 64 KiB; default 8 MiB. */
  rangeBytes: withDefault(atLeast(MIB / 16), 8 * MIB),
  /** How many objects, parts and ranges may be under way at the same time. Default 16. */
  concurrency: withDefault(atLeast(1), 16),
  /** Larger objects are refused. Default 2 GiB. */
  maxBytes: withDefault(atLeast(1), 2048 * MIB),
  /** How often a request is tried when S3 is busy or a connection breaks. Default 3. */
  maxAttempts: withDefault(atLeast(1), 3)
})
export type Settings = typeof Settings.Type

/** Where and how to reach the bucket. Only `bucket` has to be given. */
export type S3Options = typeof Settings.Encoded

const decode = Schema.decodeUnknownEffect(Settings, { onExcessProperty: "error" })

/** Checks options that come from anywhere. */
export const settings = (options: unknown): Effect.Effect<Settings, StoreError> =>
  decode(options).pipe(
    // The cause would show the options, and in them secrets.
    Effect.mapError(
      (error) =>
        new StoreError({
          reason: "refused",
          operation: "use S3",
          detail: `its options are not right: ${error.message}`
        })
    )
  )
