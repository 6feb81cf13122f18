/**
 * The engine `lambda`: workers are invocations of AWS Lambda functions, one function for each memory size.
 */
import type { LambdaClientConfig } from "@aws-sdk/client-lambda"
import { type Engine, EngineError } from "@weft/worker"
import { Effect } from "effect"

/** Options of the `lambda` engine. */
export interface LambdaOptions {
  /** Default: as the AWS SDK finds it (`AWS_REGION`, the profile). */
  readonly region?: string
  /** Where Lambda's API is. Default: AWS's; `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly endpoint?: string
  /** Default: as the AWS SDK finds them (environment, profile, role). */
  readonly credentials?: LambdaClientConfig["credentials"]
  /** The deployment's base name. Default: `weft-<workflow>`. */
  readonly name?: string
  /** How many workers may run at once: what a fan-out is divided by. Default 1,000, an account's usual limit. */
  readonly concurrency?: number
  /** How many workers one worker invokes itself before it lets others invoke the rest. Default 16. */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms; its waiting is paid for. Default 1,000. */
  readonly idleMs?: number
}

/** Makes a `lambda` engine. */
export const lambda = (options: LambdaOptions = {}): Engine => {
  const { concurrency = 1000 } = options
  return {
    name: "lambda",
    parallelism: concurrency,
    open: () => Effect.fail(new EngineError({ engine: "lambda", detail: "not yet" }))
  }
}
