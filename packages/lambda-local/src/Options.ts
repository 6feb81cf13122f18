/**
 * The options of the service: what users give, and what it makes of that.
 */
import * as Data from "effect/Data"
import type { InvocationRecord } from "./Report.ts"

/** A time that varies: `ms` and up to `spreadMs` more, evenly. */
export interface Delay {
  readonly ms: number
  /** Default 0. */
  readonly spreadMs?: number
}

/** Faults that are made on purpose. Each is a probability from 0 to 1; default 0. */
export interface Faults {
  /** An event is accepted, and never delivered. */
  readonly drop?: number
  /** An event is delivered twice, the second time up to `lateMs` later. */
  readonly double?: number
  /** An event is delivered up to `lateMs` late. */
  readonly late?: number
  /** In ms. Default 2,000. */
  readonly lateMs?: number
  /** The environment is killed at a random moment of the invocation's first `killWithinMs`. */
  readonly kill?: number
  /** In ms. Default 1,000. An invocation that has ended by then is not harmed. */
  readonly killWithinMs?: number
}

/** Options of {@link startLambda}. */
export interface LambdaOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free one. */
  readonly port?: number
  /** Default us-east-1. Requests that are signed for another one are refused. */
  readonly region?: string
  /** Twelve digits. Default 000000000000. */
  readonly account?: string
  /** The only access key that is accepted. Default: any. Signatures are not verified. */
  readonly accessKeyId?: string
  /** ARNs of the roles that functions may have. Default: any of the right form. */
  readonly roles?: ReadonlyArray<string>
  /** How many invocations may be under way at once. Default 1,000. */
  readonly concurrency?: number
  /** After how long an environment that has nothing to do is ended, in ms. Default 300,000. */
  readonly idleMs?: number
  /**
   * How much of a core of this machine one vCPU of a function is, above 0 and up to 1. With 0.1, ten functions of 1,769 MiB
   * that compute do not get into each other's way on one core, as on AWS; each is a tenth as fast. Needs cgroups. Default 1.
   */
  readonly cpuShare?: number
  /** Extra time of each cold start. */
  readonly coldStart?: Delay
  /** Extra time of each request to invoke, before it is looked at. */
  readonly invokeLatency?: Delay
  /** How long after an error an event is tried again, in ms: after the first, the second. Default 60,000 and 120,000. */
  readonly retryDelaysMs?: readonly [number, number]
  /** How long after it was throttled an event is tried again, in ms: doubled from `first` up to `most`. Default 1,000 and 300,000. */
  readonly throttleBackoffMs?: { readonly first: number; readonly most: number }
  /** Decides about faults, spreads and weights. Default 0. */
  readonly seed?: number
  readonly faults?: Faults
  /**
   * Whether a function is stopped that was invoked 16 times in one chain of requests: as its recursion configuration
   * says (default), always, or never.
   */
  readonly recursionGuard?: "as-configured" | "always" | "never"
  /** What runs handlers: a small loop of ours, or AWS's own client, which is built when it is first used. Default built-in. */
  readonly runtimeClient?: "built-in" | "aws-lambda-ric"
  /** Where CreateFunction finds an `S3Bucket`: the URL of an S3 server. Default: code from S3 is refused. */
  readonly s3Endpoint?: string
  /** Environment variables for all functions, such as AWS_ENDPOINT_URL_S3. A function's own come first. */
  readonly variables?: Readonly<Record<string, string>>
  /** Told of each invocation when it has ended. */
  readonly onInvocation?: (record: InvocationRecord) => void
  /** Told what functions print, and the lines about their invocations, in pieces that need not be lines. */
  readonly onLog?: (functionName: string, text: string) => void
}

/** An option that makes no sense. */
export class InvalidOption extends Data.TaggedError("InvalidOption")<{
  readonly option: string
  readonly expected: string
  readonly given: unknown
}> {
  override get message() {
    return `${this.option} must be ${this.expected}, not ${JSON.stringify(this.given)}`
  }
}

/** The options with their defaults. */
export interface Settings {
  readonly host: string
  readonly port: number
  readonly region: string
  readonly account: string
  readonly accessKeyId: string | undefined
  readonly roles: ReadonlyArray<string> | undefined
  readonly concurrency: number
  readonly idleMs: number
  readonly cpuShare: number
  readonly coldStart: Required<Delay>
  readonly invokeLatency: Required<Delay>
  readonly retryDelaysMs: readonly [number, number]
  readonly throttleBackoffMs: { readonly first: number; readonly most: number }
  readonly seed: number
  readonly faults: Required<Faults>
  readonly recursionGuard: "as-configured" | "always" | "never"
  readonly runtimeClient: "built-in" | "aws-lambda-ric"
  readonly s3Endpoint: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly onInvocation: ((record: InvocationRecord) => void) | undefined
  readonly onLog: ((functionName: string, text: string) => void) | undefined
}

/**
 * Fills in defaults and checks.
 *
 * @throws {InvalidOption}
 */
export const resolve = (options: LambdaOptions): Settings => {
  const settings: Settings = {
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    region: options.region ?? "us-east-1",
    account: options.account ?? "000000000000",
    accessKeyId: options.accessKeyId,
    roles: options.roles,
    concurrency: options.concurrency ?? 1000,
    idleMs: options.idleMs ?? 300_000,
    cpuShare: options.cpuShare ?? 1,
    coldStart: { ms: 0, spreadMs: 0, ...options.coldStart },
    invokeLatency: { ms: 0, spreadMs: 0, ...options.invokeLatency },
    retryDelaysMs: options.retryDelaysMs ?? [60_000, 120_000],
    throttleBackoffMs: options.throttleBackoffMs ?? { first: 1000, most: 300_000 },
    seed: options.seed ?? 0,
    faults: {
      drop: 0,
      double: 0,
      late: 0,
      lateMs: 2000,
      kill: 0,
      killWithinMs: 1000,
      ...options.faults
    },
    recursionGuard: options.recursionGuard ?? "as-configured",
    runtimeClient: options.runtimeClient ?? "built-in",
    s3Endpoint: options.s3Endpoint,
    variables: options.variables ?? {},
    onInvocation: options.onInvocation,
    onLog: options.onLog
  }
  check(settings)
  return settings
}

const check = (settings: Settings) => {
  const { coldStart, faults, invokeLatency, throttleBackoffMs } = settings
  const demand = (option: string, given: unknown, expected: string, holds: boolean) => {
    if (!holds) throw new InvalidOption({ option, given, expected })
  }
  const matches = (option: "account" | "region", form: RegExp, expected: string) =>
    demand(option, settings[option], expected, form.test(settings[option]))
  const atLeast = (option: string, given: number, least: number, kind: string) =>
    demand(
      option,
      given,
      `${kind} of at least ${least}`,
      given >= least && (kind === "a number" || Number.isInteger(given))
    )
  matches("region", /^[a-z]{2}(-[a-z]+)+-\d$/, "a region such as us-east-1")
  matches("account", /^\d{12}$/, "twelve digits")
  demand(
    "port",
    settings.port,
    "a port from 0 to 65535",
    Number.isInteger(settings.port) && settings.port >= 0 && settings.port <= 65_535
  )
  atLeast("concurrency", settings.concurrency, 1, "a whole number")
  demand(
    "cpuShare",
    settings.cpuShare,
    "a number above 0 and up to 1",
    settings.cpuShare > 0 && settings.cpuShare <= 1
  )
  demand("seed", settings.seed, "a whole number", Number.isSafeInteger(settings.seed))
  const times = {
    idleMs: settings.idleMs,
    "coldStart.ms": coldStart.ms,
    "coldStart.spreadMs": coldStart.spreadMs,
    "invokeLatency.ms": invokeLatency.ms,
    "invokeLatency.spreadMs": invokeLatency.spreadMs,
    "retryDelaysMs[0]": settings.retryDelaysMs[0],
    "retryDelaysMs[1]": settings.retryDelaysMs[1],
    "throttleBackoffMs.first": throttleBackoffMs.first,
    "throttleBackoffMs.most": throttleBackoffMs.most,
    "faults.lateMs": faults.lateMs,
    "faults.killWithinMs": faults.killWithinMs
  }
  for (const [option, given] of Object.entries(times)) atLeast(option, given, 0, "a number")
  for (const name of ["drop", "double", "late", "kill"] as const) {
    demand(
      `faults.${name}`,
      faults[name],
      "a probability from 0 to 1",
      faults[name] >= 0 && faults[name] <= 1
    )
  }
}
