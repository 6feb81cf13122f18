// The suites on S3, and on stores whose large objects are there.
import { ObjectStore, tiered } from "@weft/storage"
import { objectStore } from "@weft/storage/conformance"
import { redis } from "@weft/storage-redis"
import { ObjectStoreS3, type S3Options, withS3 } from "@weft/storage-s3"
import { startRedis, startS3 } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** A server of its own, with a bucket. */
const bucket: Effect.Effect<S3Options, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => {
    const s3 = await startS3()
    await s3.createBucket("weft")
    return s3
  }),
  (s3) => Effect.promise(() => s3.stop())
).pipe(
  Effect.map(({ credentials, endpoint, region }) => ({
    bucket: "weft",
    credentials,
    endpoint,
    region,
    partBytes: 5 * 2 ** 20
  }))
)

const server = Effect.acquireRelease(
  Effect.promise(() => startRedis()),
  (server) => Effect.promise(() => server.stop())
)

const s3 = Layer.unwrap(Effect.map(bucket, ObjectStoreS3.layer))

const redisAndS3 = Layer.unwrap(
  Effect.map(
    Effect.all([server, bucket]),
    ([{ url }, options]) => withS3(redis(url), { ...options, thresholdBytes: 4 }).layer
  )
)

/** Of four parts, and three ranges. */
const largeBytes = 20 * 2 ** 20

objectStore("ObjectStoreS3", s3, { largeBytes, usage: true })

objectStore("memory and S3", tiered({ small: ObjectStore.layerMemory, large: s3, thresholdBytes: 4 }), {
  largeBytes,
  usage: true
})

objectStore("Redis and S3", redisAndS3, { largeBytes, usage: true })
