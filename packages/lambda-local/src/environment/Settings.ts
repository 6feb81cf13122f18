/** What an environment is made with. */
import type { Limits } from "./Confinement.ts"

export interface EnvironmentSettings {
  readonly functionName: string
  /** As "$LATEST" or "3". */
  readonly version: string
  /** Without version or alias. */
  readonly arn: string
  readonly region: string
  /** File without extension, a dot, and the name of the export, as "index.handler". */
  readonly handler: string
  /** The unzipped code, absolute. It is the working directory. */
  readonly codeFolder: string
  /** The unzipped layers, absolute: what /opt is on AWS. */
  readonly layersFolder?: string
  /** The memory that is a limit, and sets the share of the CPU. */
  readonly memoryMiB: number
  /** How long an invocation may take, in ms. */
  readonly timeoutMs: number
  /** The user's and the service's variables, as credentials. What AWS sets for each environment is added. */
  readonly variables: Readonly<Record<string, string>>
  /** The program between the Runtime API and the handler: ours, or AWS's own. */
  readonly client: "built-in" | "aws-lambda-ric"
  /** Where `installRic` has put AWS's client. Default: its cache, into which it is installed if it is not there. */
  readonly ricFolder?: string
  /** From `Limits.detect`. */
  readonly limits: Limits
  /** Extra time before the process starts, in ms. It counts as initialisation. Default 0. */
  readonly coldStartMs?: number
  /** How long initialisation may take before it is repeated within the first invocation, in ms. Default 10,000, as on AWS. */
  readonly initLimitMs?: number
  /** Default: made as AWS does. */
  readonly logStreamName?: string
  /** Told what the function prints, at once, in pieces that need not be lines. */
  readonly onOutput?: (text: string) => void
}
