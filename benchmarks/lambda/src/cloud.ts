/** A cloud of one's own on this machine: Redis, S3, and Lambda as often as it is wanted. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { lambda as lambdaEngine, Naming } from "@weft/engine-lambda"
import { type Deployment, deploy } from "@weft/engine-lambda/deploy"
import { type LambdaLocal, type LambdaOptions, startLambda } from "@weft/lambda-local"
import { Coordination, ObjectStore, type RunState } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { withS3 } from "@weft/storage-s3"
import { startRedis, startS3 } from "@weft/testing"
import { Effect, ManagedRuntime } from "effect"
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

export const startDeployed = async (
  { folder, stores }: Cloud,
  options: LambdaOptions = {},
  { isLean = false, memory = MEMORY, timeoutSeconds = 900 }: DeploymentOptions = {}
): Promise<Deployed> => {
  const lambda = await startLambda({
    ...options,
    variables: { WEFT_FAULTS: folder, WEFT_TIMED: folder, ...(isLean && { WEFT_LEAN: "1" }) }
  })
  const place = { endpoint: lambda.url, region: lambda.region, credentials: lambda.credentials }
  const close = () => lambda.close()
  try {
    const deployment = await deploy(fileURLToPath(module), {
      ...place,
      stores,
      behaviours,
      name: BASE,
      role: ROLE,
      memory: [memory],
      timeoutSeconds,
      check: "never"
    })
    return {
      lambda,
      deployment,
      engine: (more) => lambdaEngine({ ...place, name: BASE, ...more }),
      [Symbol.asyncDispose]: close
    }
  } catch (error) {
    await close()
    throw error
  }
}
