/**
 * The command's flags: the options of `startLambda`, as people type them.
 */

import { Argument, Flag } from "effect/cli"
import * as Option from "effect/Option"
import type { LambdaOptions } from "../Options.ts"
import { delay, milliseconds, twoTimes } from "./Units.ts"

const parsed = <A>(name: string, metavar: string, parse: (text: string) => A) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.mapTryCatch(parse, (error) => `Expected ${(error as Error).message}`)
  )

const described = <A>(flag: Flag.Flag<A>, description: string) =>
  flag.pipe(Flag.withDescription(description), Flag.optional)

const time = (name: string, description: string) => described(parsed(name, "TIME", milliseconds), description)

const chance = (name: string, description: string) =>
  described(Flag.Finite(name).pipe(Flag.withMetavar("0..1")), description)

/** All flags, and the command after them. */
export const flags = {
  host: described(Flag.String("host"), "The address to listen on (default: 127.0.0.1)"),
  port: described(
    Flag.Int("port").pipe(Flag.withAlias("p")),
    "The port; 0 for any free one (default: 3001; with a command: 0)"
  ),
  region: described(Flag.String("region"), "Requests for another one are refused (default: us-east-1)"),
  account: described(Flag.String("account"), "Twelve digits (default: 000000000000)"),
  accessKey: described(Flag.String("access-key"), "The only access key that is accepted (default: any)"),
  role: Flag.String("role").pipe(
    Flag.withMetavar("ARN"),
    Flag.withDescription("A role that functions may have; to be repeated (default: any)"),
    Flag.atLeast(0)
  ),
  concurrency: described(
    Flag.Int("concurrency").pipe(Flag.withAlias("c")),
    "How many invocations may be under way at once (default: 1000)"
  ),
  idle: time("idle", "After how long without work an environment is ended (default: 5m)"),
  cpuShare: described(
    Flag.Finite("cpu-share"),
    "How much of a core of this machine one vCPU is, above 0 and up to 1 (default: 1)"
  ),
  coldStart: described(
    parsed("cold-start", "TIME[+TIME]", delay),
    "Extra time of cold starts, and how much more at most (default: 0)"
  ),
  latency: described(parsed("latency", "TIME[+TIME]", delay), "Extra time of each Invoke (default: 0)"),
  retryDelays: described(
    parsed("retry-delays", "TIME,TIME", twoTimes),
    "How long after an error an event is tried again (default: 60s,120s)"
  ),
  backoff: described(
    parsed("backoff", "TIME,TIME", twoTimes),
    "How long after it was throttled an event is tried again, at first and at most (default: 1s,5m)"
  ),
  seed: described(Flag.Int("seed"), "Decides about all that is left to chance (default: 0)"),
  drop: chance("drop", "How probable it is that an event is never delivered"),
  double: chance("double", "How probable it is that an event is delivered twice"),
  late: chance("late", "How probable it is that an event is delivered late"),
  lateBy: time("late-by", "How late at most (default: 2s)"),
  kill: chance("kill", "How probable it is that an invocation's environment is killed"),
  killWithin: time("kill-within", "How long after its begin at most (default: 1s)"),
  recursionGuard: described(
    Flag.Literals("recursion-guard", ["as-configured", "always", "never"]),
    "Whether functions that invoke themselves are stopped after 16 times (default: as-configured)"
  ),
  runtimeClient: described(
    Flag.Literals("runtime-client", ["built-in", "aws-lambda-ric"]),
    "What runs handlers: ours, or AWS's own, which is built when first used (default: built-in)"
  ),
  s3: described(
    Flag.String("s3").pipe(Flag.withMetavar("URL")),
    "The S3 server with code that lies in a bucket"
  ),
  env: described(
    Flag.KeyValuePair("env").pipe(Flag.withAlias("e"), Flag.withMetavar("NAME=VALUE")),
    "An environment variable for all functions; to be repeated"
  ),
  logs: Flag.Boolean("logs").pipe(
    Flag.withAlias("l"),
    Flag.withDescription("Show what functions print, and Lambda's own lines"),
    Flag.withDefault(false),
    Flag.withoutNegation
  ),
  quiet: Flag.Boolean("quiet").pipe(
    Flag.withAlias("q"),
    Flag.withDescription("Say nothing but errors, and logs if wanted"),
    Flag.withDefault(false),
    Flag.withoutNegation
  ),
  report: described(
    Flag.String("report").pipe(Flag.withMetavar("FILE")),
    "Write all records to a JSON file at the end"
  ),
  command: Argument.String("command").pipe(
    Argument.withDescription("A command that is run with the service's address in its environment"),
    Argument.variadic()
  )
}

type Values<A> = { readonly [K in keyof A]: A[K] extends Flag.Flag<infer B> ? B : never }
/** What the flags were given. */
export type Given = Omit<Values<typeof flags>, "command"> & { readonly command: ReadonlyArray<string> }

const DEFAULT_PORT = 3001

/** The options that the flags mean. */
export const optionsOf = (given: Given): LambdaOptions => {
  const backoff = Option.getOrUndefined(given.backoff)
  const options = {
    host: Option.getOrUndefined(given.host),
    port: Option.getOrElse(given.port, () => (given.command.length > 0 ? 0 : DEFAULT_PORT)),
    region: Option.getOrUndefined(given.region),
    account: Option.getOrUndefined(given.account),
    accessKeyId: Option.getOrUndefined(given.accessKey),
    roles: given.role.length > 0 ? given.role : undefined,
    concurrency: Option.getOrUndefined(given.concurrency),
    idleMs: Option.getOrUndefined(given.idle),
    cpuShare: Option.getOrUndefined(given.cpuShare),
    coldStart: Option.getOrUndefined(given.coldStart),
    invokeLatency: Option.getOrUndefined(given.latency),
    retryDelaysMs: Option.getOrUndefined(given.retryDelays),
    throttleBackoffMs: backoff && { first: backoff[0], most: backoff[1] },
    seed: Option.getOrUndefined(given.seed),
    faults: defined({
      drop: Option.getOrUndefined(given.drop),
      double: Option.getOrUndefined(given.double),
      late: Option.getOrUndefined(given.late),
      lateMs: Option.getOrUndefined(given.lateBy),
      kill: Option.getOrUndefined(given.kill),
      killWithinMs: Option.getOrUndefined(given.killWithin)
    }),
    recursionGuard: Option.getOrUndefined(given.recursionGuard),
    runtimeClient: Option.getOrUndefined(given.runtimeClient),
    s3Endpoint: Option.getOrUndefined(given.s3),
    variables: Option.getOrUndefined(given.env),
    onLog: given.logs ? (_: string, text: string) => void process.stderr.write(text) : undefined
  }
  return defined(options)
}

type Defined<A> = { [K in keyof A]?: Exclude<A[K], undefined> }

const defined = <A extends object>(values: A): Defined<A> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<A>
