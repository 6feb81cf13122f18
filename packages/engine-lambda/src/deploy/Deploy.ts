/**
 * Deployments: a workflow's functions, one for each memory size, all of the same bundle.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { Stores } from "@weft/storage"
import { ModuleError, TaskModule } from "@weft/worker"
import * as Effect from "effect/Effect"
import type { ClientOptions } from "../Client.ts"
import { placeOf } from "../Client.ts"
import { baseName, memoryOfFunction } from "../Naming.ts"
import * as Api from "./Api.ts"
import { type Bundle, type BundleOptions, type BundleStep, bundle } from "./Bundle.ts"
import type { Arch } from "./Externals.ts"
import { type FunctionStep, type Updated, update, type WhenChecked } from "./FunctionUpdate.ts"
import * as Reference from "./Reference.ts"
import * as Settings from "./Settings.ts"
import type { Size } from "./Sizes.ts"

/** What is deployed, whichever way. */
export interface Deployed extends Settings.FunctionOptions, Pick<BundleOptions, "behaviours" | "cache"> {
  /** The stores, as they are reached from inside the functions. */
  readonly stores: Stores.Stores
  /** How many MiB functions have: one function for each. Default: 1,024. */
  readonly memory?: ReadonlyArray<number> | undefined
  /** The base name of the functions. Default: `weft-<workflow>`. */
  readonly name?: string | undefined
  /** Told what is being done that takes its time. */
  readonly onStep?: ((step: DeployStep) => void) | undefined
}

/**
 * How to deploy. Where and as whom is found as the AWS SDK finds it, unless it is said; the role in `WEFT_LAMBDA_ROLE`.
 */
export interface DeployOptions extends Deployed, ClientOptions {
  /** When functions are asked whether they reach their stores. Default `"always"`. */
  readonly check?: WhenChecked | undefined
}

/** What takes its time. */
export type DeployStep = BundleStep | FunctionStep

/** What a deployment has made. */
export interface Deployment {
  /** The base name of the functions. */
  readonly name: string
  /** The smallest first. */
  readonly functions: ReadonlyArray<Updated>
  readonly zippedBytes: number
  readonly unzippedBytes: number
  /** What brings how much to the bundle, the largest first. */
  readonly sizes: ReadonlyArray<Size>
  /** What may go wrong. */
  readonly warnings: ReadonlyArray<string>
}

/** How many functions are changed at the same moment. */
const AT_ONCE = 4

/**
 * Bundles a workflow and makes, or changes, its functions. What is as it should be stays as it is.
 *
 * ```ts
 * await deploy("flow.ts", {
 *   stores: redis("redis://my-cache.abc.euc1.cache.amazonaws.com:6379"),
 *   role: "arn:aws:iam::123456789012:role/weft",
 *   memory: [1024]
 * })
 * ```
 *
 * @throws {ModuleError} if the file is no workflow's
 * @throws {BundleFailed | NativeDependency | InvalidManifest | InstallFailed | BundleTooLarge} as {@link bundle}
 * @throws {InvalidDeployment} if the options make no sense
 * @throws {LambdaError} if Lambda refuses something
 * @throws {CheckFailed} if a function does not reach its stores; then new runs begin with what was there before
 */
export const deploy = (file: string, options: DeployOptions): Promise<Deployment> =>
  Effect.runPromise(Effect.scoped(deployed(file, options)))

const deployed = Effect.fnUntraced(function* (file: string, options: DeployOptions) {
  const { base, carried, workflow } = yield* attempt(() => prepare(file, options))
  const api = yield* Api.open(options)
  const there = yield* api.names((name) => memoryOfFunction(base, name) !== undefined)
  const [first] = there
  const is = first === undefined ? undefined : yield* api.settled(first)
  const role = options.role ?? process.env.WEFT_LAMBDA_ROLE
  const settings = yield* attempt(() => Settings.complete({ ...options, role }, is))
  const made = yield* attempt(() => bundled(file, carried, options, settings.arch))
  // Sizes that runs have asked for meanwhile must not stay behind.
  const sizes = new Set([...sizesOf(options), ...there.flatMap((name) => memoryOfFunction(base, name) ?? [])])
  const functions = yield* Effect.forEach(
    [...sizes].sort((a, b) => a - b),
    (memoryMiB) =>
      update(api, Settings.wanted(base, workflow, memoryMiB, settings, carried), made, {
        whenChecked: options.check ?? "always",
        onStep: options.onStep ?? (() => {})
      }),
    { concurrency: AT_ONCE }
  )
  return {
    name: base,
    functions,
    zippedBytes: made.zip.byteLength,
    unzippedBytes: made.unzippedBytes,
    sizes: made.sizes,
    warnings: [...made.warnings, ...localWarning(carried, options)]
  } satisfies Deployment
})

const attempt = <A>(make: () => A | Promise<A>) =>
  Effect.tryPromise({ try: async () => make(), catch: (error) => error })

/** What every way to deploy begins with. */
export interface Prepared {
  readonly base: string
  readonly workflow: string
  readonly carried: Reference.CarriedStores
}

const MEMORY_MIB = 1024

/** The sizes of functions, in MiB. */
export const sizesOf = ({ memory = [MEMORY_MIB] }: Deployed): ReadonlyArray<number> => memory

/** Checks the options, and finds the workflow. */
export const prepare = async (file: string, options: Deployed): Promise<Prepared> => {
  const carried = Reference.carriedBy(options.stores)
  const workflow = await nameOf(file)
  const base = options.name ?? baseName(workflow)
  Settings.check(base, sizesOf(options), options)
  return { base, workflow, carried }
}

/** The bundle of a deployment. */
export const bundled = (
  file: string,
  { adapters }: Reference.CarriedStores,
  { behaviours, cache, onStep }: Deployed,
  arch: Arch
): Promise<Bundle> =>
  bundle(file, {
    adapters,
    arch,
    ...(behaviours === undefined ? {} : { behaviours }),
    ...(cache === undefined ? {} : { cache }),
    ...(onStep === undefined ? {} : { onStep })
  })

/**
 * The name of the workflow in a file.
 *
 * @throws {ModuleError} if there is none
 */
export const nameOf = async (file: string): Promise<string> => {
  const { workflow } = await Effect.runPromise(TaskModule.load(pathToFileURL(resolve(file)).href))
  if (workflow !== undefined) return workflow.name
  throw new ModuleError({
    file,
    reason: "its default export is no workflow; write `export default workflow(import.meta, (input) => …)`"
  })
}

const localWarning = ({ reference }: Reference.CarriedStores, options: ClientOptions) => {
  const { endpoint } = placeOf(options)
  const isHere = endpoint !== undefined && /\/\/(localhost|127\.0\.0\.1|\[::1\])/.test(endpoint)
  return Reference.isLocal(reference) && !isHere
    ? [
        "a store is on localhost, which inside a function is the function itself: name it as functions reach it"
      ]
    : []
}
