/**
 * Lambda, as whoever invokes workers sees it. The AWS SDK is loaded with the first call, so that who invokes nobody never
 * does.
 */
import type { LambdaClient, LambdaClientConfig } from "@aws-sdk/client-lambda"
import { Effect } from "effect"
import { type Place, toLambdaError } from "./Errors.ts"
import type { LambdaError } from "./LambdaError.ts"

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

/** A client of the SDK for events only. Its connections end with `close`. */
export class EventClient implements Sender {
  readonly concurrency = SOCKETS
  private readonly options: ClientOptions
  private client:
    | Promise<{ readonly lambda: LambdaClient; readonly sdk: typeof import("./Sdk.ts") }>
    | undefined

  constructor(options: ClientOptions = {}) {
    this.options = options
  }

  readonly send = (to: FunctionVersion, event: string): Effect.Effect<void, LambdaError> =>
    Effect.tryPromise({
      try: async (signal) => {
        const { lambda, sdk } = await this.load()
        const [FunctionName, Qualifier] = to.split(":")
        const command = new sdk.InvokeCommand({
          FunctionName,
          Qualifier,
          InvocationType: "Event",
          Payload: Buffer.from(event)
        })
        await lambda.send(command, { abortSignal: signal })
      },
      catch: (error) => toLambdaError(`invoke ${to}`, error, placeOf(this.options))
    })

  /** Loads the SDK, for who will need it soon. */
  load() {
    this.client ??= import("./Sdk.ts").then((sdk) => ({
      sdk,
      lambda: new sdk.LambdaClient(sdkConfig(this.options))
    }))
    return this.client
  }

  async close(): Promise<void> {
    if (this.client !== undefined) (await this.client).lambda.destroy()
    this.client = undefined
  }
}
