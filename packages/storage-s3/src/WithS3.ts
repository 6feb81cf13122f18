/** Other stores, with their large objects on S3. */
import { Coordination, ObjectStore, StoreError, Stores, type StoresReference, tiered } from "@weft/storage"
import { Context, Effect, Layer, Result, Schema } from "effect"
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

/** How another process makes the same stores. */
const Reference = Schema.Struct({
  name: Schema.String,
  base: Schema.Struct({ module: Schema.String, options: Schema.Unknown }),
  thresholdBytes: Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Checked where it is used. */
  s3: Schema.declare((input: unknown): input is S3Options => typeof input === "object" && input !== null)
})
type Reference = typeof Reference.Type

/** The same stores, with large objects on S3. Other processes get at them if they get at the given ones. */
export const withS3 = (base: Stores.Stores, options: WithS3Options): Stores.Stores => {
  const { thresholdBytes = THRESHOLD_BYTES, ...s3 } = options
  const name = `${base.name} + s3://${s3.bucket}/${s3.prefix ?? "weft"}`
  return {
    name,
    layer: over(base.layer, s3, thresholdBytes),
    reference: base.reference && referenceTo({ name, base: base.reference, thresholdBytes, s3 })
  }
}

const referenceTo = (options: Reference): StoresReference => ({ module: import.meta.url, options })

/** The stores that a reference of `withS3` means. */
export const stores = (options: unknown): Stores.Stores => {
  const decoded = Schema.decodeUnknownResult(Reference)(options)
  if (Result.isFailure(decoded)) {
    throw new StoreError({
      reason: "refused",
      operation: "be opened",
      detail: `this is no reference that withS3 of this version of @weft/storage-s3 made: ${decoded.failure.message}`
    })
  }
  const { base, name, s3, thresholdBytes } = decoded.success
  return {
    name,
    layer: over(Layer.unwrap(Effect.map(Stores.load(base), ({ layer }) => layer)), s3, thresholdBytes),
    reference: referenceTo(decoded.success)
  }
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
