/** One invocation: what is asked of an environment, and what comes of it. */

/** Its deadline is `timeoutMs` after the moment at which the function can have it. */
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

export interface Done {
  readonly outcome: Outcome
  /** From when the function could have the invocation, in ms. Initialisation that was repeated is part of it. */
  readonly durationMs: number
  /** Of the first attempt to initialise, in the first invocation only: it was a cold start. */
  readonly initMs: number | undefined
  /** The most that the environment has used so far. */
  readonly maxMemoryMiB: number
  /** What was printed since the last invocation, the last 65,536 characters of it. */
  readonly log: string
  /** Whether it takes another invocation. If not it has ended, or is about to (`ended` tells). */
  readonly isUsable: boolean
}
