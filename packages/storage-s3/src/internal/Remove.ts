/** Removing and counting objects. */
import type { StoreError } from "@weft/storage"
import * as Arrays from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isNamed, type Operation } from "../Errors.ts"
import { type Bucket, RequestFailed } from "./Bucket.ts"

/** S3 removes no more by one request. */
const MAX_REMOVED = 1_000
/** How many requests of one call may be under way. */
const CONCURRENCY = 8

/** Removes objects; those that are not there are no error. */
export const remove = (
  bucket: Bucket,
  operation: Operation,
  names: ReadonlyArray<string>
): Effect.Effect<void, StoreError> =>
  Effect.forEach(Arrays.chunksOf(names, MAX_REMOVED), (batch) => removeBatch(bucket, operation, batch), {
    concurrency: CONCURRENCY,
    discard: true
  })

const removeBatch = Effect.fnUntraced(function* (
  bucket: Bucket,
  operation: Operation,
  names: ReadonlyArray<string>
) {
  const { Errors: [first] = [] } = yield* bucket.request(operation, ({ client, sdk }, abortSignal) =>
    client.send(
      new sdk.DeleteObjectsCommand({
        Bucket: bucket.settings.bucket,
        Delete: { Objects: names.map((Key) => ({ Key })), Quiet: true }
      }),
      { abortSignal }
    )
  )
  // The request succeeds even if some of the objects could not be removed.
  if (first !== undefined)
    return yield* Effect.fail(bucket.explain(operation, new RequestFailed(failureOf(first))))
})

/** What S3 says about one object, as if it was the answer to a request. */
const failureOf = ({ Code = "InternalError", Key, Message }: PartialFailure) =>
  Object.assign(new Error(`${Key}: ${Message}`), {
    name: Code,
    $metadata: { httpStatusCode: /^(InternalError|ServiceUnavailable|SlowDown)$/.test(Code) ? 503 : 400 }
  })

interface PartialFailure {
  readonly Code?: string | undefined
  readonly Key?: string | undefined
  readonly Message?: string | undefined
}

/** Removes all objects of a run, and its uploads that nobody completed. */
export const removeRun = (bucket: Bucket, run: string): Effect.Effect<void, StoreError> =>
  Effect.all([removeObjects(bucket, bucket.runPrefix(run)), abortUploads(bucket, bucket.runPrefix(run))], {
    concurrency: 2,
    discard: true
  })

const removeObjects = (bucket: Bucket, prefix: string) =>
  list(bucket, "removeRun", prefix).pipe(
    Stream.mapEffect((names) => remove(bucket, "removeRun", names), { concurrency: CONCURRENCY }),
    Stream.runDrain
  )

const abortUploads = (bucket: Bucket, prefix: string) =>
  Stream.paginate({} as Page, (from) =>
    bucket
      .request("removeRun", ({ client, sdk }, abortSignal) =>
        client.send(
          new sdk.ListMultipartUploadsCommand({ Bucket: bucket.settings.bucket, Prefix: prefix, ...from }),
          { abortSignal }
        )
      )
      .pipe(
        Effect.map(({ IsTruncated, NextKeyMarker, NextUploadIdMarker, Uploads = [] }) => [
          Uploads,
          IsTruncated && NextKeyMarker !== undefined && NextUploadIdMarker !== undefined
            ? Option.some<Page>({ KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker })
            : Option.none<Page>()
        ])
      )
  ).pipe(
    Stream.mapEffect(({ Key, UploadId }) => abort(bucket, Key, UploadId), { concurrency: CONCURRENCY }),
    Stream.runDrain
  )

/** Where a page of uploads begins. */
interface Page {
  readonly KeyMarker?: string
  readonly UploadIdMarker?: string
}

const abort = (bucket: Bucket, Key: string | undefined, UploadId: string | undefined) =>
  bucket
    .attempt(({ client, sdk }, abortSignal) =>
      client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket.settings.bucket, Key, UploadId }), {
        abortSignal
      })
    )
    .pipe(
      Effect.asVoid,
      // Ended meanwhile by whoever began it.
      Effect.catchIf(
        ({ error }) => isNamed(error, "NoSuchUpload"),
        () => Effect.void
      ),
      Effect.mapError((failed) => bucket.explain("removeRun", failed))
    )

/** How many objects there are. */
export const count = (bucket: Bucket): Effect.Effect<number, StoreError> =>
  list(bucket, "usage", `${bucket.settings.prefix}/`).pipe(
    Stream.runFold(
      () => 0,
      (sum, names) => sum + names.length
    )
  )

/** The names of objects, up to 1,000 at a time. */
const list = (bucket: Bucket, operation: Operation, prefix: string) =>
  Stream.paginate(undefined as string | undefined, (token) =>
    bucket
      .request(operation, ({ client, sdk }, abortSignal) =>
        client.send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket.settings.bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token })
          }),
          { abortSignal }
        )
      )
      .pipe(
        Effect.map(({ Contents = [], NextContinuationToken: next }) => [
          Contents.length === 0 ? [] : [Contents.flatMap(({ Key }) => Key ?? [])],
          next === undefined ? Option.none<string>() : Option.some(next)
        ])
      )
  )
