/**
 * Removes what deployments have made.
 */
import * as Effect from "effect/Effect"
import type { ClientOptions } from "../Client.ts"
import { memoryOfFunction } from "../Naming.ts"
import * as Api from "./Api.ts"
import { TAG } from "./Settings.ts"

/** How to remove. */
export interface UndeployOptions extends ClientOptions {
  /** Whether only to say what would be removed. */
  readonly dryRun?: boolean
}

/** What was removed, or would be. */
export interface Undeployment {
  /** The base name of the functions. */
  readonly name: string
  /** The names of functions, with all their versions. */
  readonly removed: ReadonlyArray<string>
  /** Functions of such a name that weft has not made, and that stay. */
  readonly foreign: ReadonlyArray<string>
}

/** How many functions are looked at, or removed, at the same moment. */
const AT_ONCE = 4

/**
 * Removes the functions of a deployment, of all sizes, with all their versions. Runs at work with them will not end.
 *
 * @param name the base name of the functions
 * @throws {LambdaError} if Lambda refuses something
 */
export const undeploy = (name: string, options: UndeployOptions = {}): Promise<Undeployment> =>
  Effect.runPromise(Effect.scoped(undeployed(name, options)))

const undeployed = Effect.fnUntraced(function* (base: string, options: UndeployOptions) {
  const api = yield* Api.open(options)
  const { sdk } = api
  const names = yield* api.names((name) => memoryOfFunction(base, name) !== undefined)
  const found = yield* Effect.forEach(
    names,
    (name) =>
      Effect.map(
        api.find(`find ${name}`, (client) => client.send(new sdk.GetFunctionCommand({ FunctionName: name }))),
        (one) => ({ name, isThere: one !== undefined, isOurs: one?.Tags?.[TAG] === base })
      ),
    { concurrency: AT_ONCE }
  )
  const removed = found.filter(({ isOurs }) => isOurs).map(({ name }) => name)
  if (options.dryRun !== true) {
    yield* Effect.forEach(
      removed,
      (name) =>
        // Somebody else may be removing it, too.
        api.find(`remove ${name}`, (client) =>
          client.send(new sdk.DeleteFunctionCommand({ FunctionName: name }))
        ),
      { concurrency: AT_ONCE, discard: true }
    )
  }
  return {
    name: base,
    removed,
    foreign: found.filter(({ isOurs, isThere }) => isThere && !isOurs).map(({ name }) => name)
  } satisfies Undeployment
})
