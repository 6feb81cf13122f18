/**
 * Lambda, as whoever invokes workers sees it. The AWS SDK is loaded with the first call, so that who invokes nobody never
 * does.
 */
import type { LambdaClientConfig } from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import { type Place, toLambdaError } from "./Errors.ts"
import type { LambdaError } from "./LambdaError.ts"
import type { Sdk } from "./Sdk.ts"

/** A function's version, as `weft-report-1024:7`. */
export type FunctionVersion = string

/** Starts workers: what an invoker needs of Lambda. */
export interface Sender {
  /** How many calls may be under way at once. */
  readonly concurrency: number
  /** Hands an event to a function; succeeds when Lambda has taken it, long before it is worked on. */
  readonly send: (to: FunctionVersion, event: string) => Effect.Effect<void, LambdaError>
}

/** Where Lambda is, and who asks. Plain settings of the SDK; what is absent it finds by itself. */
export interface ClientOptions {
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly credentials?: LambdaClientConfig["credentials"] | undefined
}

/** How many connections are used at once. They are kept, so that a call costs one round trip. */
const SOCKETS = 64
/** How long to wait for a connection, and for an answer, in ms. */
const CONNECT_MS = 3000
const ANSWER_MS = 15_000

/** The SDK's settings. It repeats nothing by itself: who calls knows for how long that makes sense. */
export const sdkConfig = ({ credentials, endpoint, region }: ClientOptions): LambdaClientConfig => {
  const agent = { keepAlive: true, maxSockets: SOCKETS }
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 1,
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true
    }
  }
}

/** Where that leads, for messages. */
export const placeOf = (options: ClientOptions): Place => ({
  region: options.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION,
  endpoint: options.endpoint ?? process.env.AWS_ENDPOINT_URL_LAMBDA ?? process.env.AWS_ENDPOINT_URL
})

/** Sends events by the SDK. Its connections end with `close`. */
export class EventClient implements Sender {
  readonly concurrency = SOCKETS
  private readonly options: ClientOptions
  private sdk: Promise<Sdk> | undefined

  constructor(options: ClientOptions = {}) {
    this.options = options
  }

  readonly send = (to: FunctionVersion, event: string): Effect.Effect<void, LambdaError> =>
    Effect.tryPromise({
      try: async (signal) => {
        const [name, version] = to.split(":")
        await (await this.load()).send(name!, version, event, signal)
      },
      catch: (error) => toLambdaError(`invoke ${to}`, error, placeOf(this.options))
    })

  /** Loads the SDK, for who will need it soon. */
  load(): Promise<Sdk> {
    this.sdk ??= import("./Sdk.ts").then(({ open }) => open(sdkConfig(this.options)))
    return this.sdk
  }

  async close(): Promise<void> {
    ;(await this.sdk)?.close()
    this.sdk = undefined
  }
}
