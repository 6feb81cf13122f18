/**
 * Brings one function to what it is to be: makes it, or changes what differs, publishes a version, has it checked, and
 * then has new runs begin with it. Versions that runs may be at work with stay; the older ones go.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Checked, check as checkEvent } from "../Events.ts"
import type { LambdaError } from "../LambdaError.ts"
import { ALIAS } from "../Naming.ts"
import type { Api } from "./Api.ts"
import type { Bundle } from "./Bundle.ts"
import { CheckFailed, InvalidDeployment } from "./DeployErrors.ts"
import { configurationOf, EVENT_AGE_SECONDS, isLike, TAG, type Wanted } from "./Settings.ts"

/** How many versions are kept, the live one included. */
const KEPT = 5
/** What became of a function. */
export interface Updated {
  readonly name: string
  readonly memoryMiB: number
  /** The version that new runs begin with. */
  readonly version: string
  readonly change: "created" | "updated" | "unchanged"
  /** What it says of itself; `undefined` if it was not asked. */
  readonly checked: Checked | undefined
}

/** What takes its time. */
export type FunctionStep =
  | { readonly type: "upload"; readonly function: string; readonly bytes: number }
  | { readonly type: "wait" | "check"; readonly function: string }

/** When functions are asked whether they can do their work. */
export type WhenChecked = "always" | "changed" | "never"

/** How. */
export interface UpdateSettings {
  readonly whenChecked: WhenChecked
  readonly onStep: (step: FunctionStep) => void
}

type UpdateError = LambdaError | InvalidDeployment | CheckFailed

/** Makes a function what it is to be. */
export const update = Effect.fnUntraced(function* (
  api: Api,
  wanted: Wanted,
  bundle: Bundle,
  settings: UpdateSettings
): Effect.fn.Return<Updated, UpdateError> {
  const { base, memoryMiB, name } = wanted
  const { sdk } = api
  const found = yield* api.find(`find ${name}`, (client) =>
    client.send(new sdk.GetFunctionCommand({ FunctionName: name }))
  )
  if (found !== undefined && found.Tags?.[TAG] !== base) {
    return yield* new InvalidDeployment({
      about: "name",
      problem: `there is a function ${name} already, which weft has not made: choose another name with --name`
    })
  }
  const live = found && (yield* liveOf(api, name))
  const is = found?.Configuration
  const isUnchanged =
    is !== undefined &&
    is.CodeSha256 === bundle.sha256 &&
    isLike(wanted, is) &&
    live?.CodeSha256 === bundle.sha256 &&
    isLike(wanted, live)
  const lastCheck = (version: string) => check(api, wanted, version, settings)
  if (isUnchanged) {
    const version = live.Version ?? ALIAS
    yield* surroundings(api, name, version)
    const checked = settings.whenChecked === "always" ? yield* lastCheck(version) : undefined
    return { name, memoryMiB, version, change: "unchanged", checked }
  }
  yield* is === undefined ? create(api, wanted, bundle, settings) : change(api, wanted, bundle, is, settings)
  const published = yield* api.call(`publish a version of ${name}`, (client) =>
    client.send(new sdk.PublishVersionCommand({ FunctionName: name, CodeSha256: bundle.sha256 }))
  )
  const version = published.Version ?? "$LATEST"
  yield* api.settled(name, version)
  yield* surroundings(api, name, version)
  const checked = settings.whenChecked === "never" ? undefined : yield* lastCheck(version)
  yield* makeLive(api, name, version, live !== undefined)
  yield* prune(api, name, version)
  return { name, memoryMiB, version, change: is === undefined ? "created" : "updated", checked }
})

const liveOf = (api: Api, name: string) =>
  api.find(`find ${name}`, (client) =>
    client.send(new api.sdk.GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: ALIAS }))
  )

const create = Effect.fnUntraced(function* (
  api: Api,
  wanted: Wanted,
  { zip }: Bundle,
  { onStep }: UpdateSettings
) {
  const { base, name } = wanted
  const { VpcConfig, ...configuration } = configurationOf(wanted)
  onStep({ type: "upload", function: name, bytes: zip.byteLength })
  yield* api.call(`make ${name}`, (client) =>
    client.send(
      new api.sdk.CreateFunctionCommand({
        FunctionName: name,
        ...configuration,
        ...(wanted.subnets.length === 0 ? {} : { VpcConfig }),
        Architectures: [wanted.architecture],
        Code: { ZipFile: zip },
        PackageType: "Zip",
        Tags: { [TAG]: base }
      })
    )
  )
  onStep({ type: "wait", function: name })
  yield* api.settled(name)
})

const change = Effect.fnUntraced(function* (
  api: Api,
  wanted: Wanted,
  { sha256, zip }: Bundle,
  is: {
    readonly CodeSha256?: string | undefined
    readonly Architectures?: ReadonlyArray<string> | undefined
  },
  { onStep }: UpdateSettings
) {
  const { name } = wanted
  // Somebody else's change may be under way.
  const before = yield* api.settled(name)
  if (is.CodeSha256 !== sha256 || (is.Architectures?.[0] ?? "x86_64") !== wanted.architecture) {
    onStep({ type: "upload", function: name, bytes: zip.byteLength })
    yield* api.call(`change the code of ${name}`, (client) =>
      client.send(
        new api.sdk.UpdateFunctionCodeCommand({
          FunctionName: name,
          ZipFile: zip,
          Architectures: [wanted.architecture]
        })
      )
    )
    onStep({ type: "wait", function: name })
    yield* api.settled(name)
  }
  if (isLike({ ...wanted, architecture: "x86_64" }, { ...before, Architectures: ["x86_64"] })) return
  yield* api.call(`change the settings of ${name}`, (client) =>
    client.send(
      new api.sdk.UpdateFunctionConfigurationCommand({ FunctionName: name, ...configurationOf(wanted) })
    )
  )
  onStep({ type: "wait", function: name })
  yield* api.settled(name)
})

/** What is set beside a function: it may invoke others, and repeating is left to leases. */
const surroundings = Effect.fnUntraced(function* (api: Api, name: string, version: string) {
  const { sdk } = api
  const recursion = yield* api.call(`look at the recursion of ${name}`, (client) =>
    client.send(new sdk.GetFunctionRecursionConfigCommand({ FunctionName: name }))
  )
  if (recursion.RecursiveLoop !== "Allow") {
    yield* api.call(`let ${name} invoke others`, (client) =>
      client.send(new sdk.PutFunctionRecursionConfigCommand({ FunctionName: name, RecursiveLoop: "Allow" }))
    )
  }
  const of = { FunctionName: name, Qualifier: version }
  const events = yield* api.find(`look at the events of ${name}`, (client) =>
    client.send(new sdk.GetFunctionEventInvokeConfigCommand(of))
  )
  if (events?.MaximumRetryAttempts === 0 && events.MaximumEventAgeInSeconds === EVENT_AGE_SECONDS) return
  yield* api.call(`leave repeating of ${name} to leases`, (client) =>
    client.send(
      new sdk.PutFunctionEventInvokeConfigCommand({
        ...of,
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: EVENT_AGE_SECONDS
      })
    )
  )
})

const makeLive = (api: Api, name: string, version: string, isThere: boolean) => {
  const alias = { FunctionName: name, Name: ALIAS, FunctionVersion: version }
  return api.call(`make ${name} live`, (client) =>
    isThere
      ? client.send(new api.sdk.UpdateAliasCommand(alias)).then(() => {})
      : client.send(new api.sdk.CreateAliasCommand(alias)).then(() => {})
  )
}

/** Removes versions but the newest, and the live one. */
const prune = Effect.fnUntraced(function* (api: Api, name: string, live: string) {
  const versions: Array<number> = []
  let marker: string | undefined
  do {
    const page = yield* api.call(`list the versions of ${name}`, (client) =>
      client.send(
        new api.sdk.ListVersionsByFunctionCommand({
          FunctionName: name,
          ...(marker === undefined ? {} : { Marker: marker })
        })
      )
    )
    for (const { Version = "" } of page.Versions ?? [])
      if (/^\d+$/.test(Version)) versions.push(Number(Version))
    marker = page.NextMarker === "" ? undefined : page.NextMarker
  } while (marker !== undefined)
  const old = versions.sort((a, b) => b - a).slice(KEPT)
  yield* Effect.forEach(
    old.filter((version) => String(version) !== live),
    (version) =>
      // Another alias, which somebody else made, may hold it.
      Effect.ignore(
        api.call(`remove version ${version} of ${name}`, (client) =>
          client.send(new api.sdk.DeleteFunctionCommand({ FunctionName: name, Qualifier: String(version) }))
        )
      ),
    { discard: true }
  )
})

const decodeChecked = Schema.decodeUnknownEffect(Schema.fromJsonString(Checked))

/** Asks a function whether it can do its work. */
const check = Effect.fnUntraced(function* (
  api: Api,
  { name, subnets }: Wanted,
  version: string,
  { onStep }: UpdateSettings
): Effect.fn.Return<Checked, LambdaError | CheckFailed> {
  onStep({ type: "check", function: name })
  const answer = yield* api.call(`check ${name}`, (client) =>
    client.send(
      new api.sdk.InvokeCommand({
        FunctionName: name,
        Qualifier: version,
        InvocationType: "RequestResponse",
        LogType: "Tail",
        Payload: Buffer.from(JSON.stringify(checkEvent))
      })
    )
  )
  const failed = (problems: ReadonlyArray<string>) =>
    new CheckFailed({ function: `${name}:${version}`, problems, inVpc: subnets.length > 0 })
  const text = Buffer.from(answer.Payload ?? []).toString()
  if (answer.FunctionError !== undefined) return yield* failed(whatItSaid(text, answer.LogResult))
  const checked = yield* Effect.mapError(decodeChecked(text), () =>
    failed([`it answered with what is no check: ${text.slice(0, 200)}`])
  )
  return checked.problems.length > 0 ? yield* failed(checked.problems) : checked
})

const Thrown = Schema.fromJsonString(
  Schema.Struct({
    errorType: Schema.optional(Schema.String),
    errorMessage: Schema.optional(Schema.String),
    trace: Schema.optional(Schema.Array(Schema.String))
  })
)
const decodeThrown = Schema.decodeUnknownOption(Thrown)
/** How many lines of a function's log are shown. */
const LINES = 10

const whatItSaid = (text: string, log: string | undefined): ReadonlyArray<string> => {
  const thrown = decodeThrown(text)
  const error =
    thrown._tag === "Some" ? `${thrown.value.errorType ?? "Error"}: ${thrown.value.errorMessage ?? ""}` : text
  const lines = Buffer.from(log ?? "", "base64")
    .toString()
    .trim()
    .split("\n")
    .slice(-LINES)
  return [error, ...lines.map((line) => `| ${line}`)]
}
