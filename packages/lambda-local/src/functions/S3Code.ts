/**
 * Zip files that lie in S3. The SDK for it is an optional dependency: most code comes with the request.
 */
import * as Effect from "effect/Effect"
import { type ApiError, invalid, refused } from "../ApiError.ts"
import type { Settings } from "../Options.ts"

/** Gets an object, with the credentials of this process, or `test` for servers that do not look. */
export const download = (
  { region, s3Endpoint }: Settings,
  bucket: string,
  key: string
): Effect.Effect<Uint8Array, ApiError> =>
  Effect.gen(function* () {
    if (s3Endpoint === undefined) {
      return yield* invalid(
        "This local service was started without an s3Endpoint: it takes code as ZipFile only."
      )
    }
    const { GetObjectCommand, S3Client } = yield* Effect.tryPromise({
      try: () => import("@aws-sdk/client-s3"),
      catch: () =>
        refused("ServiceException", "Code from S3 needs the package @aws-sdk/client-s3: install it.")
    })
    const client = new S3Client({
      endpoint: s3Endpoint,
      region,
      forcePathStyle: true,
      credentials: {
        accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? "test",
        secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? "test",
        ...(process.env.AWS_SESSION_TOKEN !== undefined && { sessionToken: process.env.AWS_SESSION_TOKEN })
      }
    })
    return yield* Effect.tryPromise({
      try: async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        return (await Body?.transformToByteArray()) ?? new Uint8Array()
      },
      catch: (error) =>
        invalid(
          `Error occurred while GetObject. S3 Error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}. ` +
            `Bucket: ${bucket}, key: ${key}`
        )
    }).pipe(Effect.ensuring(Effect.sync(() => client.destroy())))
  })
