/** Putting an object: by one request, or in parallel parts if it is large. */
import { crc32 } from "node:zlib"
import type { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { notS3, storeError } from "../Errors.ts"
import type { Bucket } from "./Bucket.ts"
import * as Checksum from "./Checksum.ts"

/** S3 takes no more. */
const MAX_PARTS = 10_000

/** Puts an object. Nothing is copied; after an error or an interruption no parts stay. */
export const put = (
  bucket: Bucket,
  run: string,
  key: string,
  bytes: Uint8Array
): Effect.Effect<void, StoreError> =>
  Effect.suspend(() => {
    const { maxBytes, partBytes } = bucket.settings
    if (bytes.length > maxBytes) {
      const detail = `${key} has ${bytes.length} bytes, and the option \`maxBytes\` allows ${maxBytes}. Raise it, or make the value smaller`
      return Effect.fail(storeError("put", "full", detail))
    }
    const name = bucket.name(run, key)
    return bytes.length <= partBytes ? putWhole(bucket, name, bytes) : putParts(bucket, name, bytes)
  })

const putWhole = (bucket: Bucket, name: string, bytes: Uint8Array) => {
  const checksum = crc32(bytes)
  return bucket
    .request("put", async ({ client, sdk }, abortSignal) => {
      const { ETag } = await client.send(
        new sdk.PutObjectCommand({
          Bucket: bucket.settings.bucket,
          Key: name,
          Body: bytes,
          ChecksumCRC32: Checksum.toHeader(checksum),
          Metadata: Checksum.toMetadata(checksum)
        }),
        { abortSignal }
      )
      if (ETag === undefined) throw notS3("put", bucket.settings, "it gave the object no ETag")
    })
    .pipe(bucket.limited)
}

const putParts = Effect.fnUntraced(function* (bucket: Bucket, name: string, bytes: Uint8Array) {
  const { bucket: Bucket, concurrency } = bucket.settings
  const partBytes = Math.max(bucket.settings.partBytes, Math.ceil(bytes.length / MAX_PARTS))
  const parts = Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, i) =>
    bytes.subarray(i * partBytes, (i + 1) * partBytes)
  )
  // It has to be known when the upload begins. Part by part, so that nobody waits long for this thread.
  let checksum = 0
  for (const part of parts) {
    checksum = crc32(part, checksum)
    yield* Effect.yieldNow
  }
  const object = { Bucket, Key: name }
  const metadata = Checksum.toMetadata(checksum)

  const begin = bucket.request("put", ({ client, sdk }, abortSignal) =>
    client.send(
      new sdk.CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: "CRC32", Metadata: metadata }),
      { abortSignal }
    )
  )
  const putPart = (UploadId: string | undefined, part: Uint8Array, i: number) =>
    bucket
      .request("put", async ({ client, sdk }, abortSignal) => {
        const PartNumber = i + 1
        const { ChecksumCRC32, ETag } = await client.send(
          new sdk.UploadPartCommand({
            ...object,
            UploadId,
            PartNumber,
            Body: part,
            ChecksumCRC32: Checksum.toHeader(crc32(part))
          }),
          { abortSignal }
        )
        return { PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) }
      })
      .pipe(bucket.limited)
  const complete = (UploadId: string | undefined, Parts: ReadonlyArray<Part>) =>
    bucket.request("put", ({ client, sdk }, abortSignal) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({
          ...object,
          UploadId,
          MultipartUpload: { Parts: [...Parts] }
        }),
        { abortSignal }
      )
    )
  const abort = (UploadId: string | undefined) =>
    bucket.request("put", ({ client, sdk }) =>
      client.send(new sdk.AbortMultipartUploadCommand({ ...object, UploadId }))
    )

  yield* Effect.acquireUseRelease(
    begin,
    ({ UploadId }) =>
      Effect.forEach(parts, (part, i) => putPart(UploadId, part, i), { concurrency }).pipe(
        Effect.flatMap((done) => complete(UploadId, done))
      ),
    // Should it fail, too, `removeRun` finds the upload.
    ({ UploadId }, exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.ignore(abort(UploadId)))
  )
})

interface Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly ChecksumCRC32?: string
}
