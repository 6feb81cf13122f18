/** The object store on S3. */
import { ObjectStore, type StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { open } from "./internal/Bucket.ts"
import { get } from "./internal/Get.ts"
import { put } from "./internal/Put.ts"
import { count, remove, removeRun } from "./internal/Remove.ts"
import { type S3Options, settings } from "./Options.ts"

/**
 * Objects in a bucket, under `prefix/run/key`. Building it costs nothing: the SDK is loaded, credentials are looked for
 * and the bucket is reached with the first request, whose error says what is wrong with them.
 */
export const layer = (options: S3Options): Layer.Layer<ObjectStore, StoreError> =>
  Layer.effect(
    ObjectStore,
    Effect.gen(function* () {
      const checked = yield* settings(options)
      const bucket = yield* open(checked)
      return ObjectStore.of({
        put: (run, key, bytes) => put(bucket, run, key, bytes),
        get: (run, keys) =>
          Effect.forEach(keys, (key) => get(bucket, bucket.name(run, key)), {
            concurrency: checked.concurrency
          }),
        remove: (run, keys) =>
          remove(
            bucket,
            "remove",
            keys.map((key) => bucket.name(run, key))
          ),
        removeRun: (run) => removeRun(bucket, run),
        usage: count(bucket)
      })
    })
  )
