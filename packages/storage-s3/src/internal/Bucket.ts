/** The bucket: requests to it, so many at a time, and the names of what lies in it. */
import type { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Operation, toStoreError } from "../Errors.ts"
import type { Settings } from "../Options.ts"

type Sdk = typeof import("./Sdk.ts").sdk

/** The loaded SDK, and a client. */
export interface S3 {
  readonly sdk: Sdk
  readonly client: InstanceType<Sdk["S3Client"]>
}

export interface Bucket {
  readonly settings: Settings
  /** What the names of a run's objects begin with. */
  readonly runPrefix: (run: string) => string
  readonly name: (run: string, key: string) => string
  /** Runs with at most `concurrency` others: for requests that carry objects. Small ones do not wait for them. */
  readonly limited: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Talks to S3; the signal comes when the effect is interrupted. Fails with what the SDK threw. */
  readonly attempt: <A>(talk: (s3: S3, signal: AbortSignal) => Promise<A>) => Effect.Effect<A, RequestFailed>
  /** Talks to S3, and explains what went wrong. */
  readonly request: <A>(
    operation: Operation,
    talk: (s3: S3, signal: AbortSignal) => Promise<A>
  ) => Effect.Effect<A, StoreError>
  readonly explain: (operation: Operation, failed: RequestFailed) => StoreError
}

/** Wraps what the SDK threw, for who wants to look at it before it is explained. */
export class RequestFailed {
  readonly _tag = "RequestFailed"
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** How long connecting may take, in ms. */
const CONNECT_TIMEOUT_MS = 5_000
/** After how long without a byte a connection is given up, in ms. */
const IDLE_TIMEOUT_MS = 60_000

/** Loads the SDK and makes its client with the first request; ends its connections with the scope. */
export const open = (settings: Settings): Effect.Effect<Bucket, never, Scope.Scope> =>
  Effect.gen(function* () {
    const permits = yield* Semaphore.make(settings.concurrency)
    let opened: Promise<S3> | undefined
    yield* Effect.addFinalizer(() =>
      Effect.promise(async () => (await opened?.catch(() => undefined))?.client.destroy())
    )
    const connect = () => {
      opened ??= load(settings)
      return opened
    }
    const attempt: Bucket["attempt"] = (talk) =>
      Effect.tryPromise({
        try: async (signal) => talk(await connect(), signal),
        catch: (error) => new RequestFailed(error)
      })
    const explain: Bucket["explain"] = (operation, { error }) => toStoreError(operation, error, settings)
    const runPrefix = (run: string) => `${settings.prefix}/${encode(run)}/`
    return {
      settings,
      runPrefix,
      name: (run, key) => `${runPrefix(run)}${encode(key).replaceAll("%2F", "/")}`,
      limited: permits.withPermit,
      attempt,
      request: (operation, talk) => Effect.mapError(attempt(talk), (failed) => explain(operation, failed)),
      explain
    }
  })

const load = async (settings: Settings): Promise<S3> => {
  const { credentials, endpoint, forcePathStyle, maxAttempts, region } = settings
  const { sdk } = await import("./Sdk.ts")
  // The number of requests is limited by us.
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
  const client = new sdk.S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    maxAttempts,
    // We check whole objects ourselves: S3 has no checksums of ranges.
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent
    }
  })
  // TLS and the checksum protect what is sent already: a SHA-256 of it for the signature would double the work.
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { readonly protocol?: string; readonly headers: Record<string, string> }
      if (request.protocol === "https:") request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
      return next(args)
    },
    { step: "build", name: "unsignedPayload" }
  )
  return { sdk, client }
}

/** Any text as part of a name: dots alone would be taken for folders. */
const encode = (text: string): string => encodeURIComponent(text).replaceAll(".", "%2E")
