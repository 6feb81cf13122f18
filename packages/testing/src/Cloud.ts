/** All that weft needs of AWS, on this machine: a Redis, S3 and Lambda. */
import { type LambdaLocal, type LambdaOptions, startLambda } from "@weft/lambda-local"
import { type RedisServer, startRedis } from "./RedisServer.ts"
import { type S3Server, startS3 } from "./S3Server.ts"

/** How it is to be. */
export interface CloudOptions {
  readonly lambda?: Omit<LambdaOptions, "host" | "port" | "region" | "s3Endpoint">
}

/** The servers, until it is stopped. */
export interface Cloud extends AsyncDisposable {
  readonly redis: RedisServer
  readonly s3: S3Server
  readonly lambda: LambdaLocal
  /** Where runs are kept. */
  readonly store: string
  /** Where large values go: a bucket that is there. */
  readonly objects: string
  /** The ARN of a role that functions may have. */
  readonly role: string
  /** What a process is told so that it finds all of these as it would find those of AWS. */
  readonly variables: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const BUCKET = "weft"
const ROLE = "arn:aws:iam::000000000000:role/weft"

/** Starts all three. They end with `stop`, and with this process. */
export const startCloud = async (options: CloudOptions = {}): Promise<Cloud> => {
  const stops: Array<() => Promise<void>> = []
  const stop = async () => {
    // Functions first: they use the others.
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const redis = await startRedis()
    stops.push(() => redis.stop())
    const s3 = await startS3()
    stops.push(() => s3.stop())
    await s3.createBucket(BUCKET)
    const { region } = s3
    const lambda = await startLambda({ region, s3Endpoint: s3.endpoint, ...options.lambda })
    stops.push(() => lambda.close())
    const store = redis.url
    const objects = `s3://${BUCKET}/runs?region=${region}&endpoint=${encodeURIComponent(s3.endpoint)}`
    const variables = {
      WEFT_STORE: store,
      WEFT_OBJECTS: objects,
      WEFT_LAMBDA_ROLE: ROLE,
      AWS_REGION: region,
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ACCESS_KEY_ID: lambda.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: lambda.credentials.secretAccessKey
    }
    return { redis, s3, lambda, store, objects, role: ROLE, variables, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
