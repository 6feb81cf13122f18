/**
 * `weft deploy` and `weft undeploy`: the functions of a workflow on AWS Lambda.
 */
import { existsSync } from "node:fs"
import type { Arch } from "@weft/engine-lambda/deploy"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usage } from "./CliFailure.ts"
import * as Deploying from "./Deploying.ts"
import * as DeployText from "./DeployText.ts"
import { explained } from "./Explain.ts"
import * as Input from "./Input.ts"
import * as Json from "./Json.ts"
import { type DeploymentGiven, deploymentFlags, deploymentOf, role } from "./LambdaFlags.ts"
import { neededPlace, type StoreGiven, storeFlags, time } from "./Places.ts"
import * as PlannerFile from "./PlannerFile.ts"
import { file, input, planner } from "./RunCommand.ts"
import * as Session from "./Session.ts"
import { write } from "./Streams.ts"
import { type Style, styleFor } from "./Style.ts"
import { counted } from "./Units.ts"
import * as WorkflowFile from "./WorkflowFile.ts"

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object, and nothing else to stdout"),
  Flag.withDefault(false),
  Flag.withoutNegation
)

const flags = {
  file,
  input,
  planner,
  ...storeFlags,
  memory: Flag.Int("memory").pipe(
    Flag.withAlias("m"),
    Flag.withMetavar("MIB"),
    Flag.withDescription(
      "The memory of a function; repeat it for one of each size (default: what the plan needs, if --input is given or " +
        "not needed, else 1024)"
    ),
    Flag.atLeast(0)
  ),
  role,
  ...deploymentFlags,
  timeout: time("timeout").pipe(
    Flag.withDescription("How long an invocation may take (default: 15m, which is the most)"),
    Flag.optional
  ),
  arch: Flag.Literals("arch", ["x64", "arm64"]).pipe(
    Flag.withDescription("The processor (default: x64)"),
    Flag.optional
  ),
  subnet: Flag.String("subnet").pipe(
    Flag.withMetavar("ID"),
    Flag.withDescription("A subnet that functions lie in, for a store in a VPC; may be repeated"),
    Flag.atLeast(0)
  ),
  securityGroup: Flag.String("security-group").pipe(
    Flag.withMetavar("ID"),
    Flag.withDescription("A security group that functions have; may be repeated"),
    Flag.atLeast(0)
  ),
  env: Flag.KeyValuePair("env").pipe(
    Flag.withMetavar("NAME=VALUE"),
    Flag.withDescription("An environment variable of the functions; may be repeated"),
    Flag.optional
  ),
  check: Flag.Boolean("check").pipe(
    Flag.withDescription("Ask each function whether it reaches the store; --no-check: do not"),
    Flag.withDefault(true)
  ),
  template: Flag.String("template").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Deploy nothing: write a CloudFormation template, with the bundle beside it"),
    Flag.optional
  ),
  policy: Flag.Boolean("policy").pipe(
    Flag.withDescription("Deploy nothing: print what the functions' role has to allow, as JSON for IAM"),
    Flag.withDefault(false),
    Flag.withoutNegation
  ),
  json
}

/** The command `weft deploy`. */
export const deployCommand = Command.make("deploy", flags, (options) =>
  Effect.scoped(deploy({ ...options })).pipe(explained)
).pipe(
  Command.withShortDescription("Make a workflow's functions on AWS Lambda"),
  Command.withDescription(
    "Bundles a workflow and makes its functions on AWS Lambda, one for each memory size, or changes them. Runs at work " +
      "keep the version that they began with; deploying twice changes nothing. --store is the address that functions " +
      "reach; it need not be the one that you do."
  ),
  Command.withExamples([
    {
      command: "weft deploy flow.ts --role arn:aws:iam::123456789012:role/weft --store redis://10.0.1.7:6379",
      description: "Then: weft run flow.ts --engine lambda"
    },
    {
      command: "weft deploy flow.ts --memory 512 --memory 2048 --subnet subnet-0a1 --security-group sg-0b2",
      description: "Two sizes, in a VPC; role and store are in WEFT_LAMBDA_ROLE and WEFT_STORE"
    },
    { command: "weft deploy flow.ts --policy > policy.json", description: "For the role" },
    { command: "weft deploy flow.ts --template stack.yaml", description: "To deploy it your own way" }
  ])
)

interface Options extends StoreGiven, DeploymentGiven {
  readonly file: string
  readonly input: Option.Option<string>
  readonly planner: string
  readonly memory: ReadonlyArray<number>
  readonly role: Option.Option<string>
  readonly timeout: Option.Option<number>
  readonly arch: Option.Option<Arch>
  readonly subnet: ReadonlyArray<string>
  readonly securityGroup: ReadonlyArray<string>
  readonly env: Option.Option<Readonly<Record<string, string>>>
  readonly check: boolean
  readonly template: Option.Option<string>
  readonly policy: boolean
  readonly json: boolean
}

const deploy = Effect.fnUntraced(function* (options: Options) {
  const input = yield* Input.parse(Option.getOrUndefined(options.input))
  const place = yield* neededPlace(options)
  const session = yield* Session.open(false)
  const choice = yield* PlannerFile.choose(options.planner)
  const given = { ...givenOf(options), memory: yield* memoryOf(options, input, choice) }
  const say = (line: string) => session.say([session.style("dim", line)])
  const asked = { file: options.file, place, behaviours: choice.behaviours, given, say }
  if (options.policy) {
    const policy = yield* Deploying.policy(asked)
    return yield* Effect.promise(() => session.stdout(`${JSON.stringify(policy, undefined, 2)}\n`))
  }
  if (Option.isSome(options.template)) {
    const template = yield* Deploying.template(asked, options.template.value)
    return yield* print(session, template, options.json ? undefined : DeployText.templateLines)
  }
  const deployment = yield* Deploying.deploy(asked)
  yield* print(session, deployment, options.json ? undefined : DeployText.deploymentLines)
})

const givenOf = (options: Options): Deploying.Asked["given"] => {
  const { arch, check, env, role, securityGroup, subnet, timeout } = options
  const isInVpc = subnet.length + securityGroup.length > 0
  return {
    ...deploymentOf(options),
    role: Option.getOrUndefined(role),
    timeoutSeconds: Option.getOrUndefined(Option.map(timeout, (ms) => Math.ceil(ms / 1000))),
    arch: Option.getOrUndefined(arch),
    vpc: isInVpc ? { subnets: subnet, securityGroups: securityGroup } : undefined,
    environment: Option.getOrUndefined(env),
    check: check ? "always" : "never"
  }
}

/** The sizes that were asked for, else those of the plan; `undefined` if there is no plan without an input. */
const memoryOf = Effect.fnUntraced(function* (options: Options, input: unknown, choice: PlannerFile.Choice) {
  if (options.memory.length > 0) return options.memory
  const made = WorkflowFile.job(options.file, input)
  const job = yield* input === undefined
    ? Effect.catchTag(made, ["BuildFailed", "InvalidInput"], () => Effect.succeed(undefined))
    : made
  return job === undefined
    ? undefined
    : (yield* Deploying.planned(job, choice, { ...options, history: Option.none() })).memory
})

/** Prints what was done: as JSON, unless there are lines for people. */
const print = <A extends { readonly warnings: ReadonlyArray<string> }>(
  session: Session.Session,
  done: A,
  lines: ((done: A, style: Style) => ReadonlyArray<string>) | undefined
) =>
  Effect.promise(async () => {
    session.say(done.warnings.map((text) => `${session.style("yellow", "warning:")} ${text}`))
    const text = lines?.(done, styleFor(process.stdout)).join("\n") ?? Json.stringify(done)
    await session.stdout(`${text}\n`)
  })

/** The command `weft undeploy`. */
export const undeployCommand = Command.make(
  "undeploy",
  {
    what: Argument.String("workflow").pipe(
      Argument.withDescription("The workflow's file, or what its functions are called, before their size")
    ),
    region: deploymentFlags.region,
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only print what would be removed"),
      Flag.withDefault(false),
      Flag.withoutNegation
    ),
    json
  },
  (options) => undeploy(options).pipe(explained)
).pipe(
  Command.withShortDescription("Remove a workflow's functions from AWS Lambda"),
  Command.withDescription(
    "Removes the functions that `weft deploy` made, of all sizes, with all their versions. Runs at work with them will " +
      "not end. Prints what it removed."
  ),
  Command.withExamples([
    { command: "weft undeploy flow.ts --dry-run", description: "What it would remove" },
    { command: "weft undeploy weft-flow --region eu-central-1", description: "By name" }
  ])
)

const undeploy = Effect.fnUntraced(function* (
  options: Pick<DeploymentGiven, "region"> & {
    readonly what: string
    readonly dryRun: boolean
    readonly json: boolean
  }
) {
  const { dryRun, json, what } = options
  const { region } = deploymentOf({ ...options, name: Option.none() })
  const done = yield* Effect.tryPromise({
    try: async () => {
      const { nameOf, undeploy } = await import("@weft/engine-lambda/deploy")
      const { Naming } = await import("@weft/engine-lambda")
      const name = existsSync(what) || /[./\\]/.test(what) ? Naming.baseName(await nameOf(what)) : what
      if (!Naming.isBaseName(name)) throw usage(`"${what}" is neither a file nor the name of a deployment`)
      return await undeploy(name, { dryRun, ...(region === undefined ? {} : { region }) })
    },
    catch: (error) => error
  })
  const { foreign, name, removed } = done
  const lines = json ? [Json.stringify(done)] : removed
  yield* Effect.promise(() => write("stdout", lines.map((line) => `${line}\n`).join("")))
  const what_ = removed.length === 0 ? "nothing" : counted(removed.length, "function")
  const left = foreign.map((one) => `${one} was not made by weft, and stays\n`)
  const said = `${dryRun ? "would remove" : "removed"} ${what_} of ${name}\n`
  yield* Effect.promise(() => write("stderr", left.join("") + said))
})
