/**
 * Zip files that lie in S3.
 */
import { Effect } from "effect"
import { type ApiError, invalid } from "../ApiError.ts"
import type { Settings } from "../Options.ts"

/** Gets an object, by a plain request: local S3 servers do not ask for signatures. */
export const download = (
  { s3Endpoint }: Settings,
  bucket: string,
  key: string
): Effect.Effect<Uint8Array, ApiError> => {
  if (s3Endpoint === undefined) {
    return Effect.fail(
      invalid("This local service was started without s3Endpoint: it takes code as ZipFile only.")
    )
  }
  const path = key.split("/").map(encodeURIComponent).join("/")
  const url = `${s3Endpoint.replace(/\/$/, "")}/${encodeURIComponent(bucket)}/${path}`
  const failed = (why: string) =>
    invalid(`Error occurred while GetObject. ${why}. Bucket: ${bucket}, key: ${key}`)
  return Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { signal })
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) }
    },
    catch: (error) => failed(`${s3Endpoint} does not answer: ${String(error)}`)
  }).pipe(
    Effect.flatMap(({ bytes, status }) =>
      status === 200
        ? Effect.succeed(bytes)
        : Effect.fail(
            failed(status === 404 ? "S3 Error Code: NoSuchKey" : `S3 answered with status ${status}`)
          )
    )
  )
}
