/** Other stores, with their large objects on S3. */
import { Coordination, ObjectStore, StoreError, type Stores, tiered } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ObjectStoreS3 from "./ObjectStoreS3.ts"
import type { S3Options } from "./Options.ts"

/** The bucket, and what goes there. */
export interface WithS3Options extends S3Options {
  /**
   * Values and constants of more encoded bytes go to S3. Default 1 MiB. What coordination keeps inline never gets that
   * far: where it would keep larger values, it then keeps values of up to so many bytes.
   */
  readonly thresholdBytes?: number | undefined
}

const THRESHOLD_BYTES = 2 ** 20

/** What another process makes the same stores of, beside those they are built on. */
const Settings = Schema.Struct({
  name: Schema.String,
  thresholdBytes: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Checked where it is used. */
  s3: Schema.declare((input: unknown): input is S3Options => typeof input === "object" && input !== null)
})
type Settings = typeof Settings.Type

/** The same stores, with large objects on S3. Other processes get at them if they get at the given ones. */
export const withS3 = (base: Stores.Stores, options: WithS3Options): Stores.Stores => {
  const { thresholdBytes = THRESHOLD_BYTES, ...s3 } = options
  const name = `${base.name} + s3://${s3.bucket}/${s3.prefix ?? "weft"}`
  return make(base, { name, thresholdBytes, s3 })
}

const make = (base: Stores.Stores, settings: Settings): Stores.Stores => ({
  name: settings.name,
  layer: over(base.layer, settings.s3, settings.thresholdBytes),
  reference: base.reference && { module: import.meta.url, options: settings, base: base.reference }
})

/** The stores that a reference of `withS3` means. */
export const stores = (options: unknown, base: Stores.Stores | undefined): Stores.Stores => {
  const decoded = Schema.decodeUnknownResult(Settings)(options)
  if (Result.isSuccess(decoded) && base !== undefined) return make(base, decoded.success)
  const why = Result.isFailure(decoded) ? decoded.failure.message : "it names no stores to build on"
  throw new StoreError({
    reason: "refused",
    operation: "be opened",
    detail: `this is no reference that withS3 of this version of @weft/storage-s3 made: ${why}`
  })
}

const over = (base: Stores.Stores["layer"], s3: S3Options, thresholdBytes: number): Stores.Stores["layer"] =>
  Layer.effectContext(
    Effect.gen(function* () {
      const services = yield* Layer.build(base)
      const coordination = Context.get(services, Coordination)
      const small = Layer.succeed(ObjectStore, Context.get(services, ObjectStore))
      const objects = yield* Layer.build(tiered({ small, large: ObjectStoreS3.layer(s3), thresholdBytes }))
      return services.pipe(
        Context.merge(objects),
        Context.add(Coordination, {
          ...coordination,
          inlineBytes: Math.min(coordination.inlineBytes, thresholdBytes)
        })
      )
    })
  )
