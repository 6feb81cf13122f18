/**
 * Deployments: a workflow's functions, one for each memory size, all of the same bundle.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { Stores } from "@weft/storage"
import { ModuleError, TaskModule } from "@weft/worker"
import { Effect } from "effect"
import type { ClientOptions } from "../Client.ts"
import { placeOf } from "../Client.ts"
import { baseName, memoryOfFunction } from "../Naming.ts"
import * as Api from "./Api.ts"
import { type Bundle, type BundleOptions, type BundleStep, bundle } from "./Bundle.ts"
import { type FunctionStep, type Updated, update, type WhenChecked } from "./FunctionUpdate.ts"
import * as Reference from "./Reference.ts"
import * as Settings from "./Settings.ts"
import type { Size } from "./Sizes.ts"

/** What is deployed, whichever way. */
export interface Deployed
  extends Omit<Settings.FunctionOptions, "role">,
    Pick<BundleOptions, "behaviours" | "cache"> {
  /** The stores, as they are reached from inside the functions. */
  readonly stores: Stores.Stores
  /** The base name of the functions. Default: `weft-<workflow>`. */
  readonly name?: string
}

/** How to deploy. Where and as whom is found as the AWS SDK finds it, unless it is said. */
export interface DeployOptions extends Deployed, ClientOptions {
  /** The ARN of the role that functions have. Default: `WEFT_LAMBDA_ROLE`. */
  readonly role?: string
  /** When functions are asked whether they reach their stores. Default `"always"`. */
  readonly check?: WhenChecked
  /** Told what is being done that takes its time. */
  readonly onStep?: (step: DeployStep) => void
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
  const role = Settings.checkRole(options.role ?? process.env.WEFT_LAMBDA_ROLE)
  const { base, carried, made, workflow } = yield* Effect.tryPromise({
    try: () => prepare(file, options),
    catch: (error) => error
  })
  const api = yield* Api.open(options)
  // Sizes that runs have asked for meanwhile must not stay behind.
  const there = yield* api.names((name) => memoryOfFunction(base, name) !== undefined)
  const sizes = new Set([...options.memory, ...there.flatMap((name) => memoryOfFunction(base, name) ?? [])])
  const functions = yield* Effect.forEach(
    [...sizes].sort((a, b) => a - b),
    (memoryMiB) =>
      update(api, Settings.wanted(base, workflow, memoryMiB, { ...options, role }, carried), made, {
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

/** What every way to deploy begins with. */
export interface Prepared {
  readonly base: string
  readonly workflow: string
  readonly carried: Reference.CarriedStores
  readonly made: Bundle
}

/** Checks, finds the workflow, and bundles it. */
export const prepare = async (
  file: string,
  options: Deployed & { readonly onStep?: (step: DeployStep) => void }
): Promise<Prepared> => {
  const carried = Reference.carriedBy(options.stores)
  const workflow = await nameOf(file)
  const base = options.name ?? baseName(workflow)
  Settings.check(base, options)
  const made = await bundle(file, {
    adapters: carried.adapters,
    ...(options.behaviours === undefined ? {} : { behaviours: options.behaviours }),
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    ...(options.onStep === undefined ? {} : { onStep: options.onStep })
  })
  return { base, workflow, carried, made }
}

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
