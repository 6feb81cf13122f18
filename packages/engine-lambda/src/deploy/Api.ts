/**
 * Lambda, as a deployment calls it. The AWS SDK is loaded with the first of them.
 */
import type * as Sdk from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ClientOptions, placeOf } from "../Client.ts"
import { toLambdaError } from "../Errors.ts"
import { LambdaError, type LambdaErrorReason } from "../LambdaError.ts"

/** Zip files of 50 MB take their time. */
const REQUEST_MS = 600_000
const CONNECT_MS = 3000
const ATTEMPTS = 4
const LOOK_MS = { first: 100, most: 2000 }
const CHANGED_WITHIN_MS = 300_000

export class Api {
  readonly sdk: typeof Sdk
  readonly client: Sdk.LambdaClient
  private readonly options: ClientOptions

  constructor(sdk: typeof Sdk, options: ClientOptions) {
    const { credentials, endpoint, region } = options
    this.sdk = sdk
    this.options = options
    this.client = new sdk.LambdaClient({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS }
    })
  }

  /** Calls Lambda; `operation` is what is asked of it, as a person would say it. */
  call<A>(operation: string, send: (client: Sdk.LambdaClient) => Promise<A>): Effect.Effect<A, LambdaError> {
    return Effect.tryPromise({
      try: () => send(this.client),
      catch: (error) => explained(operation, error) ?? toLambdaError(operation, error, placeOf(this.options))
    })
  }

  /** The same; `undefined` if what it is about is not there. */
  find<A>(
    operation: string,
    send: (client: Sdk.LambdaClient) => Promise<A>
  ): Effect.Effect<A | undefined, LambdaError> {
    return Effect.catchIf(
      this.call(operation, send),
      ({ reason }) => reason === "missing",
      () => Effect.succeed(undefined)
    )
  }

  /** The names of all functions that `isOurs`. */
  readonly names = Effect.fnUntraced(function* (
    this: Api,
    isOurs: (name: string) => boolean
  ): Effect.fn.Return<ReadonlyArray<string>, LambdaError> {
    const names: Array<string> = []
    let marker: string | undefined
    do {
      const page: Sdk.ListFunctionsCommandOutput = yield* this.call("list its functions", (client) =>
        client.send(new this.sdk.ListFunctionsCommand(marker === undefined ? {} : { Marker: marker }))
      )
      for (const { FunctionName = "" } of page.Functions ?? [])
        if (isOurs(FunctionName)) names.push(FunctionName)
      marker = page.NextMarker === "" ? undefined : page.NextMarker
    } while (marker !== undefined)
    return names
  })

  /** Waits until a function, or version, is made and changed, and gives its settings. */
  readonly settled = Effect.fnUntraced(function* (
    this: Api,
    name: string,
    qualifier?: string
  ): Effect.fn.Return<Sdk.FunctionConfiguration, LambdaError> {
    const deadline = Date.now() + CHANGED_WITHIN_MS
    for (let pause = LOOK_MS.first; ; pause = Math.min(2 * pause, LOOK_MS.most)) {
      const is = yield* this.call(`wait for ${name}`, (client) =>
        client.send(
          new this.sdk.GetFunctionConfigurationCommand({
            FunctionName: name,
            ...(qualifier === undefined ? {} : { Qualifier: qualifier })
          })
        )
      )
      if (is.State === "Failed" || is.LastUpdateStatus === "Failed") {
        const why = is.StateReason ?? is.LastUpdateStatusReason ?? "it does not say why"
        return yield* new LambdaError({ reason: "refused", operation: `make ${name}`, detail: why })
      }
      if (is.State !== "Pending" && is.LastUpdateStatus !== "InProgress") return is
      if (Date.now() > deadline) {
        return yield* new LambdaError({
          reason: "unavailable",
          operation: `make ${name}`,
          detail: `it is not ready after ${CHANGED_WITHIN_MS / 60_000} minutes: ${is.StateReason ?? is.LastUpdateStatusReason ?? ""}`
        })
      }
      yield* Effect.sleep(pause)
    }
  })
}

/** Lambda until the scope closes. */
export const open = (options: ClientOptions): Effect.Effect<Api, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(
      Effect.promise(() => import("@aws-sdk/client-lambda")),
      (sdk) => new Api(sdk, options)
    ),
    ({ client }) => Effect.sync(() => client.destroy())
  )

/** What is said only to who deploys. */
const explained = (operation: string, error: unknown): LambdaError | undefined => {
  if (!(error instanceof Error)) return
  const { message, name } = error
  const as = (reason: LambdaErrorReason, detail: string) =>
    new LambdaError({ reason, operation, detail, cause: error })
  if (/^Region not accepted/.test(message)) {
    return as("unreachable", `there is no such region (${message}). Set AWS_REGION, or pass \`region\``)
  }
  if (
    /role.*(cannot be assumed|not authorized|does not have permissions)|cannot.*assume.*role/i.test(message)
  ) {
    return as(
      "role",
      `${message}. The role has to exist, and to trust the service lambda.amazonaws.com; one that was made a moment ago ` +
        "is known everywhere after some seconds. `weft deploy FILE --policy` prints what it has to allow"
    )
  }
  if (/PassRole/.test(message)) {
    return as("denied", `${message}. Whoever deploys needs iam:PassRole on the functions' role`)
  }
  if (name === "CodeStorageExceededException") {
    return as(
      "quota",
      `${message}. Remove functions or versions that nobody needs (\`weft undeploy\`), or ask AWS for more`
    )
  }
  if (
    /(limit|quota).*(exceeded|reached)|exceed.*(limit|quota)/i.test(message) &&
    !/Rate|TooManyRequests/.test(name)
  ) {
    return as("quota", `${message}. Ask AWS for more (Service Quotas), or use fewer sizes`)
  }
  if (/subnet|security ?group|VPC/i.test(message) && name === "InvalidParameterValueException") {
    return as(
      "refused",
      `${message}. Look at --subnet and --security-group: both must be of one VPC in this region`
    )
  }
  return
}
