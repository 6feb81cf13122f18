/** A cloud of one's own on this machine: Redis, S3, and Lambda as often as it is wanted. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetFunctionCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand
} from "@aws-sdk/client-lambda"
import { lambda as lambdaEngine, Naming } from "@weft/engine-lambda"
import { type Deployment, deploy } from "@weft/engine-lambda/deploy"
import { type LambdaLocal, type LambdaOptions, startLambda } from "@weft/lambda-local"
import { Coordination, ObjectStore, type RunState } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { withS3 } from "@weft/storage-s3"
import { startRedis, startS3 } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Engine, Stores } from "weft"

/** The URL of the tasks, and of the behaviour that measures. */
export const module = new URL("./tasks.ts", import.meta.url).href
export const behaviours = [new URL("./timed.ts", import.meta.url).href]

/** The deployment's base name. */
const BASE = "weft-bench"
/** Memory of functions, in MB: what a plan gives that says nothing of it. */
const MEMORY = 1024
/** The deployment's only function. */
export const FUNCTION = Naming.functionName(BASE, MEMORY)
export const ROLE = "arn:aws:iam::000000000000:role/weft-bench"
const BUCKET = "weft"
/** Larger values are objects on S3, so that there are some. */
const INLINE_BYTES = 16_384

export interface Cloud extends AsyncDisposable {
  /** For clients and for functions. */
  readonly stores: Stores.Stores
  /** Where tasks write things down. */
  readonly folder: string
  readonly state: (run: string) => Promise<RunState>
  /** What is left of runs, after it has been waited for to go away; empty if nothing is. */
  readonly left: (withinMs: number) => Promise<string>
}

export const startCloud = async (): Promise<Cloud> => {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"))
  const [server, s3] = await Promise.all([startRedis(), startS3()])
  await s3.createBucket(BUCKET)
  const { credentials, endpoint, region } = s3
  const stores = withS3(redis({ url: server.url, inlineBytes: INLINE_BYTES }), {
    bucket: BUCKET,
    endpoint,
    region,
    credentials,
    thresholdBytes: INLINE_BYTES
  })
  const runtime = ManagedRuntime.make(stores.layer)
  const usage = Effect.gen(function* () {
    return (yield* (yield* Coordination).usage) + (yield* (yield* ObjectStore).usage)
  })
  const remains = async () => {
    const entries = await runtime.runPromise(usage)
    const keys = (await server.command("KEYS", "*")) as ReadonlyArray<string>
    const found = keys.filter((key) => !key.includes("{history}"))
    return entries === 0 && found.length === 0 ? "" : `${entries} entries; keys ${found.join(", ")}`
  }
  return {
    stores,
    folder,
    state: (run) => runtime.runPromise(Effect.flatMap(Coordination, ({ state }) => state(run))),
    left: async (withinMs) => {
      const deadline = Date.now() + withinMs
      for (;;) {
        const found = await remains()
        if (found === "" || Date.now() > deadline) return found
        await sleep(50)
      }
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.dispose()
      await Promise.all([server.stop(), s3.stop(), rm(folder, { recursive: true })])
    }
  }
}

/** Lambda with the tasks deployed on it, none of whose environments has started. */
export interface Deployed extends AsyncDisposable {
  readonly lambda: LambdaLocal
  readonly deployment: Deployment
  readonly engine: (options?: Parameters<typeof lambdaEngine>[0]) => Engine
}

/** How functions are deployed. */
export interface DeploymentOptions {
  /** How long an invocation may take. Default 900. */
  readonly timeoutSeconds?: number
  /** In MB. Default: what plans give that say nothing of it. */
  readonly memory?: number
  /** Whether functions let go of memory at once that they do not need any more: so that hundreds fit into one machine. */
  readonly isLean?: boolean
}

/** What was deployed: bundling takes its time, and other services are given the same. */
interface Template {
  readonly deployment: Deployment
  readonly zip: Uint8Array
  readonly variables: Readonly<Record<string, string>>
}
const templates = new WeakMap<Cloud, Template>()

export const startDeployed = async (
  cloud: Cloud,
  options: LambdaOptions = {},
  { isLean = false, memory = MEMORY, timeoutSeconds = 900 }: DeploymentOptions = {}
): Promise<Deployed> => {
  const lambda = await startLambda({
    ...options,
    variables: { WEFT_FAULTS: cloud.folder, WEFT_TIMED: cloud.folder, ...(isLean && { WEFT_LEAN: "1" }) }
  })
  const place = { endpoint: lambda.url, region: lambda.region, credentials: lambda.credentials }
  const client = new LambdaClient({ ...place, maxAttempts: 1 })
  try {
    let template = templates.get(cloud)
    if (template === undefined) {
      const deployment = await deploy(fileURLToPath(module), {
        ...place,
        stores: cloud.stores,
        behaviours,
        name: BASE,
        role: ROLE,
        memory: [memory],
        timeoutSeconds,
        check: "never"
      })
      template = { deployment, ...(await download(client, memory)) }
      templates.set(cloud, template)
    } else await copy(client, template, memory, timeoutSeconds)
    return {
      lambda,
      deployment: template.deployment,
      engine: (more) => lambdaEngine({ ...place, name: BASE, ...more }),
      [Symbol.asyncDispose]: () => lambda.close()
    }
  } catch (error) {
    await lambda.close()
    throw error
  } finally {
    client.destroy()
  }
}

const download = async (client: LambdaClient, memory: number) => {
  const { Code, Configuration } = await client.send(
    new GetFunctionCommand({ FunctionName: Naming.functionName(BASE, memory), Qualifier: Naming.ALIAS })
  )
  const response = await fetch(Code?.Location ?? "")
  return { zip: await response.bytes(), variables: Configuration?.Environment?.Variables ?? {} }
}

/** Makes the function as the deployment makes it. */
const copy = async (
  client: LambdaClient,
  { variables, zip }: Template,
  memory: number,
  timeoutSeconds: number
) => {
  const FunctionName = Naming.functionName(BASE, memory)
  const { Version } = await client.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: ROLE,
      Code: { ZipFile: zip },
      MemorySize: memory,
      Timeout: timeoutSeconds,
      Environment: { Variables: variables },
      Publish: true
    })
  )
  await client.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop: "Allow" }))
  await client.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: Version, MaximumRetryAttempts: 0 })
  )
  await client.send(new CreateAliasCommand({ FunctionName, Name: Naming.ALIAS, FunctionVersion: Version }))
}
