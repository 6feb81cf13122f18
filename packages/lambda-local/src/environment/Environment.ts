/**
 * An execution environment: one function in one process of its own, which serves one invocation at a time.
 *
 * It is frozen whenever the function has asked for the next invocation and there is none, and serves until it has ended:
 * by `end`, or by itself, after a timeout, an excess of memory or the end of its process.
 */
import { Data, type Effect } from "effect"
import type { Limits } from "./Limits.ts"

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
  /** The user's and the service's variables, as AWS_REGION and credentials. What AWS sets for each environment is added here. */
  readonly variables: Readonly<Record<string, string>>
  /** The program between the Runtime API and the handler: ours, or AWS's own. */
  readonly client: "built-in" | "aws-lambda-ric"
  /** Where `installRic` has put AWS's client. Default: its cache, into which it is installed if it is not there. */
  readonly ricFolder?: string
  /** From `Limits.detect`. */
  readonly limits: Limits
  /** Extra time before the process starts, in ms. It counts as initialisation. Default 0. */
  readonly coldStartMs?: number
  /** How long the initialisation may take before it is repeated within the first invocation, in ms. Default 10,000, as on AWS. */
  readonly initLimitMs?: number
  /** The name of the log stream. Default: made as AWS does. */
  readonly logStreamName?: string
  /** Told what the function prints, at once, in pieces that need not be lines. */
  readonly onOutput?: (text: string) => void
}

/** One invocation. Its deadline is `timeoutMs` after the moment at which the function can have it. */
export interface Request {
  readonly id: string
  /** JSON, at most 6 MB. */
  readonly payload: Uint8Array
  /** The value of _X_AMZN_TRACE_ID. */
  readonly traceId: string
  /** With the version or alias that was invoked. */
  readonly arn: string
  /** JSON. */
  readonly clientContext?: string
  /** JSON. */
  readonly cognitoIdentity?: string
}

export type Outcome =
  | { readonly type: "response"; readonly payload: Uint8Array }
  | {
      readonly type: "error"
      /** JSON: errorType, errorMessage, and trace if the function reported it. */
      readonly payload: Uint8Array
      /** `errorType` of the payload. */
      readonly errorType: string
      /** Whether the function did not report it itself: it timed out, exited, or its response was too large. */
      readonly unhandled: boolean
    }

/** What came of an invocation. */
export interface Done {
  readonly outcome: Outcome
  /** Initialisation that was repeated is part of it. */
  readonly durationMs: number
  /** Of the first attempt to initialise, in the first invocation only: it was a cold start. */
  readonly initMs: number | undefined
  /** The most that the environment has used so far. */
  readonly maxMemoryMiB: number
  /** What was printed since the last invocation, the last 64 KiB of it. */
  readonly log: string
  /** Whether it takes another invocation. If not it has ended, or is about to (`ended` tells). */
  readonly isUsable: boolean
}

export interface Environment {
  readonly id: string
  readonly logStreamName: string
  /** Only one at a time, and none after the end. An interruption ends the environment. */
  readonly invoke: (request: Request) => Effect.Effect<Done>
  /** Kills it. Resolves when nothing of it is left; an invocation under way ends with an error. */
  readonly end: (reason: string) => Effect.Effect<void>
  /** Resolves with the reason when it has ended and nothing of it is left. */
  readonly ended: Effect.Effect<string>
}

/** An environment that could not be made, for a reason that has nothing to do with the function. */
export class EnvironmentError extends Data.TaggedError("EnvironmentError")<{
  readonly functionName: string
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `No environment for ${this.functionName}: ${this.reason}`
  }
}

/** Starts one, and does not wait for its initialisation: the first invocation does. */
export declare const start: (settings: EnvironmentSettings) => Effect.Effect<Environment, EnvironmentError>
