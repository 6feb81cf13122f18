/**
 * Getting an object: the first request asks for its beginning, which is all of a small one; the answer tells its size,
 * and the other ranges of a large one are got in parallel. All go straight into one buffer of that size. They are of
 * one version: each further range is got on the condition that the ETag is still the same.
 */
import { addAbortSignal, type Readable } from "node:stream"
import { crc32 } from "node:zlib"
import type { StoreError } from "@weft/storage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { isNamed, storeError } from "../Errors.ts"
import type { Bucket, RequestFailed, S3 } from "./Bucket.ts"
import * as Checksum from "./Checksum.ts"

/** One version of an object, while it is read. */
interface Version {
  readonly etag: string | undefined
  readonly bytes: Uint8Array
  /** How many bytes from the first on came, or will come, with the first answer. */
  readonly firstBytes: number
  readonly check: RunningCheck
}

/** Which version was opened; `undefined` if there is no such object. */
type Opened = Deferred.Deferred<Version | undefined>

/** How often to begin again when the object is put anew meanwhile. */
const MAX_VERSIONS = 3

/** The object was put anew while it was read. */
class Changed {
  readonly _tag = "Changed"
}

/** The answer had begun, and did not come to its end. */
class Broken extends Error {
  override readonly name = "Broken"
}

/** Gets an object; `undefined` if it is not there. */
export const get = (bucket: Bucket, name: string): Effect.Effect<Uint8Array | undefined, StoreError> =>
  getVersion(bucket, name).pipe(
    Effect.retry({ times: MAX_VERSIONS - 1, while: ({ _tag }) => _tag === "Changed" }),
    Effect.catchTag("Changed", () =>
      Effect.fail(storeError("get", "unavailable", `${name} is put again and again while it is read`))
    )
  )

const getVersion = Effect.fnUntraced(function* (bucket: Bucket, name: string) {
  const opened: Opened = yield* Deferred.make<Version | undefined>()
  yield* Effect.all([getFirst(bucket, name, opened), getOthers(bucket, name, opened)], {
    concurrency: 2,
    discard: true
  })
  const version = yield* Deferred.await(opened)
  if (version !== undefined && !version.check.passed) return yield* Effect.fail(corrupt(name))
  return version?.bytes
})

const corrupt = (name: string) =>
  storeError(
    "get",
    "corrupt",
    `the bytes of ${name} are not those that weft put, or were not put by it. Remove the run's objects, and run it anew`
  )

const getFirst = (bucket: Bucket, name: string, opened: Opened): Effect.Effect<void, StoreError | Changed> =>
  Effect.suspend(() => {
    let version: Version | undefined
    const firstRange = rangeOf(0, bucket.settings.rangeBytes)
    const read = (range: string | undefined) =>
      attempt(bucket, async (s3, signal) => {
        const answer = await send(bucket, s3, signal, name, range, version?.etag)
        version ??= open(bucket, name, answer)
        Deferred.doneUnsafe(opened, Effect.succeed(version))
        await fill(version.bytes.subarray(0, version.firstBytes), answer.body)
        version.check.came(0, version.firstBytes)
      })
    return read(firstRange).pipe(
      // An empty object has no range.
      Effect.catch((failed) =>
        isNamed(failed.error, "InvalidRange") ? read(undefined) : Effect.fail(failed)
      ),
      Effect.catch((failed) => {
        const gone = isNamed(failed.error, "NoSuchKey")
        if (!gone || version !== undefined) return Effect.fail(explain(bucket, failed))
        return Effect.asVoid(Deferred.succeed(opened, undefined))
      })
    )
  })

const getOthers = Effect.fnUntraced(function* (bucket: Bucket, name: string, opened: Opened) {
  const version = yield* Deferred.await(opened)
  if (version === undefined) return
  const { concurrency, rangeBytes } = bucket.settings
  const count = Math.ceil((version.bytes.length - version.firstBytes) / rangeBytes)
  yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => version.firstBytes + i * rangeBytes),
    (start) => {
      const target = version.bytes.subarray(start, start + rangeBytes)
      return attempt(bucket, async (s3, signal) => {
        const range = rangeOf(start, target.length)
        const answer = await send(bucket, s3, signal, name, range, version.etag)
        if (answer.range?.start !== start) {
          answer.body.destroy()
          throw corrupt(name)
        }
        await fill(target, answer.body)
        version.check.came(start, target.length)
      }).pipe(Effect.mapError((failed) => explain(bucket, failed)))
    },
    { concurrency, discard: true }
  )
})

/** Tries again when an answer breaks off: the SDK does so only before one begins. */
const attempt = (bucket: Bucket, read: (s3: S3, signal: AbortSignal) => Promise<void>) =>
  bucket.attempt(read).pipe(
    bucket.limited,
    Effect.retry({
      times: bucket.settings.maxAttempts - 1,
      while: ({ error }: RequestFailed) => error instanceof Broken
    })
  )

const explain = (bucket: Bucket, failed: RequestFailed): StoreError | Changed => {
  // Gone while it was read: the next try sees that.
  if (isNamed(failed.error, "PreconditionFailed") || isNamed(failed.error, "NoSuchKey")) return new Changed()
  return bucket.explain("get", failed)
}

const rangeOf = (start: number, length: number) => `bytes=${start}-${start + length - 1}`

interface Answer {
  readonly body: Readable
  /** Which bytes came; `undefined`: all. */
  readonly range: { readonly start: number; readonly length: number; readonly total: number } | undefined
  readonly contentLength: number | undefined
  readonly etag: string | undefined
  readonly checksum: number | undefined
}

const send = async (
  bucket: Bucket,
  { client, sdk }: S3,
  abortSignal: AbortSignal,
  name: string,
  range: string | undefined,
  etag: string | undefined
): Promise<Answer> => {
  const answer = await client.send(
    new sdk.GetObjectCommand({
      Bucket: bucket.settings.bucket,
      Key: name,
      ...(range === undefined ? {} : { Range: range }),
      ...(etag === undefined ? {} : { IfMatch: etag })
    }),
    { abortSignal }
  )
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? "") ?? []
  return {
    body: addAbortSignal(abortSignal, answer.Body as Readable),
    range:
      first === undefined
        ? undefined
        : { start: Number(first), length: Number(last) - Number(first) + 1, total: Number(total) },
    contentLength: answer.ContentLength,
    etag: answer.ETag,
    checksum: Checksum.fromMetadata(answer.Metadata)
  }
}

/** Takes what the first answer says about the object, and makes room for it. */
const open = (bucket: Bucket, name: string, answer: Answer): Version => {
  const { body, checksum, contentLength, etag, range } = answer
  const { maxBytes } = bucket.settings
  const total = range?.total ?? contentLength
  const firstBytes = range?.length ?? contentLength
  const refuse = (error: StoreError) => {
    body.destroy()
    return error
  }
  const isOurs = checksum !== undefined && total !== undefined && firstBytes !== undefined
  if (!isOurs || (range?.start ?? 0) !== 0 || firstBytes > total) throw refuse(corrupt(name))
  if (total > maxBytes) {
    const detail = `${name} has ${total} bytes, and the option \`maxBytes\` allows ${maxBytes}. Raise it`
    throw refuse(storeError("get", "full", detail))
  }
  const bytes = Buffer.allocUnsafeSlow(total)
  return { etag, bytes, firstBytes, check: new RunningCheck(bytes, checksum) }
}

/** Reads a stream to its end into a place of just its size. */
const fill = async (target: Uint8Array, body: Readable): Promise<void> => {
  let at = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (at + chunk.length > target.length) throw new Error("more bytes came than were announced")
      target.set(chunk, at)
      at += chunk.length
    }
    if (at < target.length) throw new Error(`${at} of ${target.length} bytes came`)
  } catch (cause) {
    throw new Broken(`the answer broke off: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause
    })
  }
}

/** Adds up the checksum as ranges come, in any order, so that it is ready with the last of them. */
class RunningCheck {
  private readonly bytes: Uint8Array
  private readonly expected: number
  /** Lengths of ranges that came before their turn, by where they start. */
  private readonly waiting = new Map<number, number>()
  private sum = 0
  private at = 0

  constructor(bytes: Uint8Array, expected: number) {
    this.bytes = bytes
    this.expected = expected
  }

  came(start: number, length: number): void {
    this.waiting.set(start, length)
    for (let next = this.waiting.get(this.at); next; next = this.waiting.get(this.at)) {
      this.waiting.delete(this.at)
      this.sum = crc32(this.bytes.subarray(this.at, this.at + next), this.sum)
      this.at += next
    }
  }

  /** Whether all came, and nothing changed. */
  get passed(): boolean {
    return this.at === this.bytes.length && this.sum === this.expected
  }
}
