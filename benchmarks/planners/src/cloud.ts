/** Where the runs are: Redis, S3 and Lambda on this machine, with all tasks deployed. */
import { fileURLToPath } from "node:url"
import {
  LambdaClient,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand
} from "@aws-sdk/client-lambda"
import { Naming } from "@weft/engine-lambda"
import { deploy } from "@weft/engine-lambda/deploy"
import { History, type RunRecord } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { withS3 } from "@weft/storage-s3"
import { startCloud as startServers } from "@weft/testing"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { type Engine, lambda, type Stores } from "weft"

/** So many run at once, of the whole account: as many as can start without making one another late, on two cores. */
export const CONCURRENCY = 4
/** How much of a core one vCPU is: so many environments that compute do not get into each other's way. */
const CPU_SHARE = 0.4
/** Memory that comes with one whole core of this machine, in MiB. */
export const CORE_MIB = 1769 / CPU_SHARE
/** Memory sizes that planners choose from, in MiB: the largest has one vCPU. */
export const MEMORY_SIZES: ReadonlyArray<number> = [442, 884, 1769]
/** How long a named worker waits for work, in ms. */
export const IDLE_MS = 1000
/** How long an environment is kept that has nothing to do, in ms: those of old versions take memory. */
const KEPT_MS = 120_000
/** Values of more bytes go to S3. */
const INLINE_BYTES = 64 * 1024

const BASE = "weft-planners"

/** The cloud, until it is disposed of. */
export interface Cloud extends AsyncDisposable {
  readonly engine: Engine
  readonly stores: Stores.Stores
  /** Publishes a new version, of which there are no environments yet. */
  readonly renew: () => Promise<void>
  /** What the history has of a run. */
  readonly recordOf: (workflow: string, run: string) => Promise<RunRecord | undefined>
  /** How memory and CPU are limited, in a sentence. */
  readonly limits: string
}

/**
 * Starts a cloud on which nothing has run yet.
 *
 * @param files modules of tasks
 * @param behaviours modules of behaviours
 */
export const startCloud = async (file: URL, behaviours: ReadonlyArray<string>): Promise<Cloud> => {
  const servers = await startServers({
    lambda: {
      concurrency: CONCURRENCY,
      cpuShare: CPU_SHARE,
      idleMs: KEPT_MS,
      throttleBackoffMs: { first: 20, most: 100 }
    }
  })
  const { lambda: service, redis: server, s3 } = servers
  const place = { endpoint: service.url, region: service.region, credentials: service.credentials }
  const stores = withS3(redis({ url: server.url, inlineBytes: INLINE_BYTES }), {
    bucket: "weft",
    endpoint: s3.endpoint,
    region: s3.region,
    credentials: s3.credentials,
    thresholdBytes: INLINE_BYTES
  })
  const runtime = ManagedRuntime.make(stores.layer)
  const client = new LambdaClient(place)
  try {
    await deploy(fileURLToPath(file), {
      ...place,
      stores,
      behaviours,
      name: BASE,
      role: servers.role,
      memory: MEMORY_SIZES,
      timeoutSeconds: 120,
      check: "never"
    })
  } catch (error) {
    await servers.stop()
    throw error
  }
  return {
    engine: lambda({ ...place, name: BASE, concurrency: CONCURRENCY, idleMs: IDLE_MS }),
    stores,
    renew: async () => {
      const marker = crypto.randomUUID()
      for (const FunctionName of MEMORY_SIZES.map((size) => Naming.functionName(BASE, size))) {
        await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: marker }))
        const { Version } = await client.send(new PublishVersionCommand({ FunctionName }))
        await client.send(
          new UpdateAliasCommand({ FunctionName, Name: Naming.ALIAS, FunctionVersion: Version })
        )
      }
    },
    recordOf: async (workflow, run) => {
      const runs = await runtime.runPromise(History.use((history) => history.runs({ workflow, limit: 20 })))
      return runs.find((record) => record.run === run)
    },
    limits: service.limits,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      await runtime.dispose()
      await servers.stop()
    }
  }
}
