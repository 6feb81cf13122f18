/**
 * Which functions there are: their versions, aliases and settings, in this process's memory.
 */
import * as Effect from "effect/Effect"
import { type ApiError, conflict, invalid, notFound, refused } from "../ApiError.ts"
import type { Code } from "./CodeStore.ts"
import type { Configuration } from "./Configuration.ts"
import { arnOf, type FunctionReference, type Place } from "./FunctionName.ts"

/** The name of the version that can be changed. */
export const LATEST = "$LATEST"

/** One version of a function. It never changes: an update of `$LATEST` makes another object, with environments of its own. */
export interface FunctionVersion {
  readonly functionName: string
  readonly version: string
  readonly configuration: Configuration
  readonly code: Code
  /** Layers' contents over each other. */
  readonly layersFolder: string | undefined
  readonly revisionId: string
  readonly modified: Date
}

/** A name for a version, or for two with a weight. */
export interface Alias {
  readonly name: string
  readonly version: string
  readonly description: string
  /** How often the other versions are meant, from 0 to 1. */
  readonly weights: Readonly<Record<string, number>>
  readonly revisionId: string
}

/** What becomes of asynchronous events. */
export interface EventInvokeConfig {
  readonly maximumRetryAttempts: number | undefined
  readonly maximumEventAgeSeconds: number | undefined
  readonly onFailureArn: string | undefined
  readonly onSuccessArn: string | undefined
  readonly modified: Date
}

/** A function, as it is now. */
export interface LambdaFunction {
  readonly name: string
  readonly created: Date
  latest: FunctionVersion
  /** The oldest first. */
  readonly versions: Map<string, FunctionVersion>
  nextVersion: number
  readonly aliases: Map<string, Alias>
  /** How many invocations may be under way, and are kept for it; `undefined`: as many as are free. */
  reserved: number | undefined
  /** By qualifier. */
  readonly eventInvoke: Map<string, EventInvokeConfig>
  recursiveLoop: "Allow" | "Terminate"
  tags: Readonly<Record<string, string>>
}

/** What is found under a name and a qualifier. */
export interface Found {
  readonly fn: LambdaFunction
  readonly alias: Alias | undefined
  readonly version: FunctionVersion
}

/** Told which versions are not to be invoked any more. */
export type OnRetired = (version: FunctionVersion) => void

/** All functions. */
export class Registry {
  readonly place: Place
  private readonly functions = new Map<string, LambdaFunction>()
  private readonly requests = new Map<string, number>()
  private readonly onRetired: OnRetired

  constructor(place: Place, onRetired: OnRetired) {
    this.place = place
    this.onRetired = onRetired
  }

  /** The functions by name. */
  list(): ReadonlyArray<LambdaFunction> {
    return [...this.functions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The function of a name, if there is one. */
  peek(name: string): LambdaFunction | undefined {
    return this.functions.get(name)
  }

  /** Counts the requests to invoke a function of this name, from 0. */
  nextRequest(name: string): number {
    const number = this.requests.get(name) ?? 0
    this.requests.set(name, number + 1)
    return number
  }

  arn(name: string, qualifier?: string): string {
    return arnOf(this.place, name, qualifier)
  }

  /** The function itself, whatever the qualifier. */
  get({ name, qualifier }: FunctionReference): Effect.Effect<LambdaFunction, ApiError> {
    const fn = this.functions.get(name)
    return fn === undefined
      ? Effect.fail(notFound(`Function not found: ${this.arn(name, qualifier)}`))
      : Effect.succeed(fn)
  }

  /** The version that is meant. An alias gives its main one. */
  find(reference: FunctionReference): Effect.Effect<Found, ApiError> {
    return Effect.flatMap(this.get(reference), (fn) => {
      const { name, qualifier = LATEST } = reference
      const alias = fn.aliases.get(qualifier)
      const version = this.version(fn, alias?.version ?? qualifier)
      return version === undefined
        ? Effect.fail(notFound(`Function not found: ${this.arn(name, qualifier)}`))
        : Effect.succeed({ fn, alias, version })
    })
  }

  /** A version by its number, or `$LATEST`. */
  version(fn: LambdaFunction, version: string): FunctionVersion | undefined {
    return version === LATEST ? fn.latest : fn.versions.get(version)
  }

  /** Adds a function that is not there yet. */
  create(
    name: string,
    first: Pick<FunctionVersion, "code" | "configuration" | "layersFolder">,
    tags: Readonly<Record<string, string>>
  ): Effect.Effect<LambdaFunction, ApiError> {
    return Effect.suspend(() => {
      if (this.functions.has(name)) {
        return Effect.fail(conflict(`Function already exist: ${name}`))
      }
      const fn: LambdaFunction = {
        name,
        created: new Date(),
        latest: { ...first, ...fresh(), functionName: name, version: LATEST },
        versions: new Map(),
        nextVersion: 1,
        aliases: new Map(),
        reserved: undefined,
        eventInvoke: new Map(),
        recursiveLoop: "Terminate",
        tags
      }
      this.functions.set(name, fn)
      return Effect.succeed(fn)
    })
  }

  /** Replaces `$LATEST`. Its environments end after what they are doing. */
  update(
    fn: LambdaFunction,
    changed: Partial<Pick<FunctionVersion, "code" | "configuration" | "layersFolder">>
  ): FunctionVersion {
    const before = fn.latest
    fn.latest = { ...before, ...changed, ...fresh() }
    this.onRetired(before)
    return fn.latest
  }

  /** Makes a version of `$LATEST` as it is, or answers the newest one if it is the same. */
  publish(fn: LambdaFunction, description: string | undefined): FunctionVersion {
    const newest = [...fn.versions.values()].at(-1)
    const { latest } = fn
    const configuration =
      description === undefined || description === ""
        ? latest.configuration
        : { ...latest.configuration, description }
    if (newest !== undefined && newest.code === latest.code && isSame(newest.configuration, configuration)) {
      return newest
    }
    const version = { ...latest, ...fresh(), configuration, version: String(fn.nextVersion++) }
    fn.versions.set(version.version, version)
    return version
  }

  /** Removes a function and its versions. */
  remove(fn: LambdaFunction): void {
    this.functions.delete(fn.name)
    for (const version of [fn.latest, ...fn.versions.values()]) this.onRetired(version)
  }

  /** Removes one version that no alias names. */
  removeVersion(fn: LambdaFunction, qualifier: string): Effect.Effect<void, ApiError> {
    return Effect.suspend(() => {
      if (qualifier === LATEST) {
        return Effect.fail(invalid("$LATEST version cannot be deleted without deleting the function."))
      }
      if (fn.aliases.has(qualifier)) {
        return Effect.fail(invalid("Deletion of aliases is not currently supported."))
      }
      const version = fn.versions.get(qualifier)
      // As AWS does: what is not there is removed already.
      if (version === undefined) return Effect.void
      const users = [...fn.aliases.values()].filter(
        (alias) => alias.version === qualifier || qualifier in alias.weights
      )
      if (users.length > 0) {
        const names = users.map(({ name }) => name).join(", ")
        return Effect.fail(
          conflict(`Unable to delete version because the following aliases reference it: [${names}]`)
        )
      }
      fn.versions.delete(qualifier)
      this.onRetired(version)
      return Effect.void
    })
  }
}

/** Fails if the caller has seen another revision. */
export const checkRevision = (given: string | undefined, current: string): Effect.Effect<void, ApiError> =>
  given === undefined || given === current
    ? Effect.void
    : Effect.fail(
        refused(
          "PreconditionFailedException",
          "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to " +
            "retrieve the latest Revision Id"
        )
      )

const fresh = () => ({ revisionId: crypto.randomUUID(), modified: new Date() })

const isSame = (a: Configuration, b: Configuration) => JSON.stringify(a) === JSON.stringify(b)
