/**
 * A deployment's functions: which version of each memory size a run begins with. A size that the plan needs and nobody has
 * deployed is made, as a copy of one that is there.
 */
import type {
  CreateFunctionCommandInput,
  GetFunctionCommandOutput,
  LambdaClient
} from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type ClientOptions, type FunctionVersion, placeOf, sdkConfig } from "./Client.ts"
import { toLambdaError } from "./Errors.ts"
import { LambdaError } from "./LambdaError.ts"
import {
  ALIAS,
  functionName,
  isMemorySize,
  MAX_MEMORY_MIB,
  MIN_MEMORY_MIB,
  memoryOfFunction
} from "./Naming.ts"

type Sdk = typeof import("@aws-sdk/client-lambda")

/** How many functions are looked at, or made, at the same moment. */
const AT_ONCE = 8
/** How often a function that is being made is looked at, and for how long. */
const LOOKED_AT = "250 millis"
const MADE_WITHIN = "2 minutes"

/** What a run begins with. */
export interface Deployment {
  /** The function for each memory size, in MiB. */
  readonly functions: ReadonlyMap<number, FunctionVersion>
  /** How many invocations Lambda allows at once; `undefined` if it does not tell. */
  readonly concurrency: number | undefined
}

/**
 * The version of each size that `live` means now, and what the account allows.
 *
 * @param base the deployment's base name
 * @param sizes in MiB
 */
export const resolve = Effect.fnUntraced(function* (
  options: ClientOptions,
  base: string,
  sizes: ReadonlyArray<number>
): Effect.fn.Return<Deployment, LambdaError> {
  const impossible = sizes.filter((size) => !isMemorySize(size))
  if (impossible.length > 0) return yield* impossibleSize(impossible)
  const sdk: Sdk = yield* Effect.promise(() => import("@aws-sdk/client-lambda"))
  return yield* Effect.acquireUseRelease(
    Effect.sync(() => new sdk.LambdaClient(sdkConfig(options))),
    (lambda) => {
      const deployed = new Functions(sdk, lambda, options, base)
      return Effect.all(
        { functions: deployed.resolve(sizes), concurrency: deployed.concurrency },
        { concurrency: 2 }
      )
    },
    (lambda) => Effect.sync(() => lambda.destroy())
  )
})

const impossibleSize = (sizes: ReadonlyArray<number>) =>
  new LambdaError({
    reason: "memory",
    operation: `have workers with ${sizes.join(", ")} MiB`,
    detail:
      `a function has a whole number of MiB between ${MIN_MEMORY_MIB} and ${MAX_MEMORY_MIB}. Change \`memory\` of the ` +
      "tasks, or of the plan"
  })

class Functions {
  private readonly sdk: Sdk
  private readonly lambda: LambdaClient
  private readonly options: ClientOptions
  private readonly base: string

  constructor(sdk: Sdk, lambda: LambdaClient, options: ClientOptions, base: string) {
    this.sdk = sdk
    this.lambda = lambda
    this.options = options
    this.base = base
  }

  readonly resolve = Effect.fnUntraced(function* (
    this: Functions,
    sizes: ReadonlyArray<number>
  ): Effect.fn.Return<ReadonlyMap<number, FunctionVersion>, LambdaError> {
    const name = (size: number) => functionName(this.base, size)
    const found = yield* Effect.forEach(sizes, (size) => this.live(name(size)), { concurrency: AT_ONCE })
    const versions = new Map<number, FunctionVersion>()
    const missing: Array<number> = []
    for (const [i, size] of sizes.entries()) {
      const version = found[i]?.Configuration?.Version
      if (version === undefined) missing.push(size)
      else versions.set(size, `${name(size)}:${version}`)
    }
    if (missing.length > 0) {
      const source = found.find((one) => one !== undefined) ?? (yield* this.deployed())
      const code = yield* this.download(source)
      const made = yield* Effect.forEach(missing, (size) => this.copy(source, code, size), {
        concurrency: AT_ONCE
      })
      for (const [i, size] of missing.entries()) versions.set(size, `${name(size)}:${made[i]}`)
    }
    return versions
  })

  /** What all functions of the account share. Whoever may not ask goes without. */
  get concurrency(): Effect.Effect<number | undefined> {
    const asked = this.call("tell the account's limits", (abortSignal) =>
      this.lambda.send(new this.sdk.GetAccountSettingsCommand(), { abortSignal })
    )
    return Effect.match(asked, {
      onSuccess: ({ AccountLimit }) => AccountLimit?.UnreservedConcurrentExecutions,
      onFailure: () => undefined
    })
  }

  private call<A>(
    operation: string,
    send: (signal: AbortSignal) => Promise<A>
  ): Effect.Effect<A, LambdaError> {
    return Effect.tryPromise({
      try: send,
      catch: (error) => toLambdaError(operation, error, placeOf(this.options))
    })
  }

  /** A function as `live` means it; `undefined` if it is not there, or not live yet. */
  private live(name: string): Effect.Effect<GetFunctionCommandOutput | undefined, LambdaError> {
    const command = new this.sdk.GetFunctionCommand({ FunctionName: name, Qualifier: ALIAS })
    return Effect.catchIf(
      this.call(`find ${name}`, (abortSignal) => this.lambda.send(command, { abortSignal })),
      ({ reason }) => reason === "missing",
      () => Effect.succeed(undefined)
    )
  }

  /** Any function of the deployment. */
  private readonly deployed = Effect.fnUntraced(function* (
    this: Functions
  ): Effect.fn.Return<GetFunctionCommandOutput, LambdaError> {
    let marker: string | undefined
    do {
      const page = yield* this.call("list its functions", (abortSignal) =>
        this.lambda.send(new this.sdk.ListFunctionsCommand({ ...(marker && { Marker: marker }) }), {
          abortSignal
        })
      )
      for (const { FunctionName = "" } of page.Functions ?? []) {
        if (memoryOfFunction(this.base, FunctionName) === undefined) continue
        const live = yield* this.live(FunctionName)
        if (live !== undefined) return live
      }
      marker = page.NextMarker
    } while (marker !== undefined && marker !== "")
    const { endpoint, region } = placeOf(this.options)
    return yield* new LambdaError({
      reason: "missing",
      operation: `find ${this.base}`,
      detail:
        `nothing is deployed under that name ${endpoint === undefined ? `in ${region}` : `at ${endpoint}`}. Deploy the ` +
        "workflow first: `weft deploy FILE`, or run it with --deploy; or choose another name or region"
    })
  })

  private readonly download = Effect.fnUntraced(function* (
    this: Functions,
    { Code, Configuration }: GetFunctionCommandOutput
  ): Effect.fn.Return<Uint8Array, LambdaError> {
    const operation = `fetch the code of ${Configuration?.FunctionName}`
    return yield* this.call(operation, async (signal) => {
      const response = await fetch(Code?.Location ?? "", { signal })
      if (!response.ok) throw new Error(`its code's location answered with ${response.status}`)
      return await response.bytes()
    })
  })

  /** Makes the function of a size, and gives its version. Somebody else may do so at the same moment. */
  private readonly copy = Effect.fnUntraced(function* (
    this: Functions,
    source: GetFunctionCommandOutput,
    code: Uint8Array,
    memoryMiB: number
  ): Effect.fn.Return<string, LambdaError> {
    const name = functionName(this.base, memoryMiB)
    const input = copyOf(source, { name, memoryMiB, code })
    const created = yield* Effect.result(
      this.call(`make ${name}`, (abortSignal) =>
        this.lambda.send(new this.sdk.CreateFunctionCommand(input), { abortSignal })
      )
    )
    if (created._tag === "Failure") {
      if ((created.failure.cause as Error | undefined)?.name !== "ResourceConflictException") {
        return yield* created.failure
      }
      return yield* this.madeByAnother(name)
    }
    const version = created.success.Version ?? "$LATEST"
    yield* this.made(name)
    yield* this.call(`let ${name} invoke others`, (abortSignal) =>
      this.lambda.send(
        new this.sdk.PutFunctionRecursionConfigCommand({ FunctionName: name, RecursiveLoop: "Allow" }),
        { abortSignal }
      )
    )
    yield* this.call(`leave repeating of ${name} to leases`, (abortSignal) =>
      this.lambda.send(
        new this.sdk.PutFunctionEventInvokeConfigCommand({
          FunctionName: name,
          Qualifier: version,
          MaximumRetryAttempts: 0
        }),
        { abortSignal }
      )
    )
    // Last: who finds the alias finds a function that is complete.
    yield* this.call(`make ${name} live`, (abortSignal) =>
      this.lambda.send(
        new this.sdk.CreateAliasCommand({ FunctionName: name, Name: ALIAS, FunctionVersion: version }),
        { abortSignal }
      )
    )
    return version
  })

  /** Waits until a new function can be invoked. */
  private made(name: string): Effect.Effect<void, LambdaError> {
    const look = Effect.flatMap(
      this.call(`wait for ${name}`, (abortSignal) =>
        this.lambda.send(new this.sdk.GetFunctionCommand({ FunctionName: name }), { abortSignal })
      ),
      ({ Configuration }) =>
        Configuration?.State === "Pending"
          ? Effect.fail(notMade(name, "it is still being made"))
          : Configuration?.State === "Failed"
            ? Effect.fail(
                new LambdaError({
                  reason: "refused",
                  operation: `make ${name}`,
                  detail: Configuration.StateReason ?? "it failed, and does not say why"
                })
              )
            : Effect.void
    )
    return Effect.retry(look, WHILE_MADE)
  }

  private madeByAnother(name: string): Effect.Effect<string, LambdaError> {
    const look = Effect.flatMap(this.live(name), (live) =>
      live?.Configuration?.Version === undefined
        ? Effect.fail(
            notMade(name, "it is there, but no version of it is live. Deploy anew: `weft deploy FILE`")
          )
        : Effect.succeed(live.Configuration.Version)
    )
    return Effect.retry(look, WHILE_MADE)
  }
}

const notMade = (name: string, detail: string) =>
  new LambdaError({ reason: "unavailable", operation: `make ${name}`, detail })

const WHILE_MADE = {
  while: ({ retryable }: LambdaError) => retryable,
  schedule: Schedule.upTo(Schedule.spaced(LOOKED_AT), { duration: MADE_WITHIN })
}

/** A function like another, of another size. */
const copyOf = (
  { Configuration: from = {}, Tags }: GetFunctionCommandOutput,
  to: { readonly name: string; readonly memoryMiB: number; readonly code: Uint8Array }
): CreateFunctionCommandInput => {
  const { LogGroup: _, ...logging } = from.LoggingConfig ?? {}
  const input: { [K in keyof CreateFunctionCommandInput]: CreateFunctionCommandInput[K] | undefined } = {
    FunctionName: to.name,
    MemorySize: to.memoryMiB,
    Code: { ZipFile: to.code },
    Publish: true,
    PackageType: "Zip",
    Role: from.Role,
    Runtime: from.Runtime,
    Handler: from.Handler,
    Description: from.Description,
    Timeout: from.Timeout,
    Architectures: from.Architectures,
    Environment: from.Environment && { Variables: from.Environment.Variables },
    EphemeralStorage: from.EphemeralStorage,
    KMSKeyArn: from.KMSKeyArn,
    FileSystemConfigs: from.FileSystemConfigs,
    Layers: from.Layers?.flatMap(({ Arn }) => Arn ?? []),
    TracingConfig: from.TracingConfig && { Mode: from.TracingConfig.Mode },
    VpcConfig: from.VpcConfig?.SubnetIds?.length
      ? {
          SubnetIds: from.VpcConfig.SubnetIds,
          SecurityGroupIds: from.VpcConfig.SecurityGroupIds,
          Ipv6AllowedForDualStack: from.VpcConfig.Ipv6AllowedForDualStack
        }
      : undefined,
    LoggingConfig: from.LoggingConfig && logging,
    Tags
  }
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined)
  ) as unknown as CreateFunctionCommandInput
}
