/**
 * Versions of functions, and aliases: names for them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ApiError, conflict, invalid, notFound } from "../ApiError.ts"
import { decode } from "../functions/Configuration.ts"
import { describeAlias, describeQualified } from "../functions/Described.ts"
import {
  type Alias,
  checkRevision,
  LATEST,
  type LambdaFunction,
  type Registry
} from "../functions/Registry.ts"
import type { Service } from "../Service.ts"
import { functionOf } from "./FunctionRoutes.ts"
import { page } from "./Page.ts"
import type { Answer, Call, Route } from "./Route.ts"

const FUNCTION = "/2015-03-31/functions/:name"

/** The routes. */
export const versionRoutes = (service: Service): ReadonlyArray<Route> => [
  { method: "POST", path: `${FUNCTION}/versions`, answer: (call) => publish(service, call) },
  { method: "GET", path: `${FUNCTION}/versions`, answer: (call) => listVersions(service, call) },
  { method: "POST", path: `${FUNCTION}/aliases`, answer: (call) => createAlias(service, call) },
  { method: "GET", path: `${FUNCTION}/aliases`, answer: (call) => listAliases(service, call) },
  { method: "GET", path: `${FUNCTION}/aliases/:alias`, answer: (call) => getAlias(service, call) },
  { method: "PUT", path: `${FUNCTION}/aliases/:alias`, answer: (call) => updateAlias(service, call) },
  { method: "DELETE", path: `${FUNCTION}/aliases/:alias`, answer: (call) => deleteAlias(service, call) }
]

const PublishInput = Schema.Struct({
  CodeSha256: Schema.optional(Schema.String),
  Description: Schema.optional(Schema.String),
  RevisionId: Schema.optional(Schema.String)
})

const publish = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const input = yield* decode(PublishInput, call.body)
    const fn = yield* functionOf(service, call)
    yield* checkRevision(input.RevisionId, fn.latest.revisionId)
    const { sha256 } = fn.latest.code
    // What is not given comes as an empty text, too.
    if ((input.CodeSha256 ?? "") !== "" && input.CodeSha256 !== sha256) {
      return yield* invalid(
        `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${sha256}). ` +
          "Please try again with the CodeSHA256 in $LATEST."
      )
    }
    return { status: 201, json: describeQualified(registry.place, registry.publish(fn, input.Description)) }
  })

const listVersions = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const fn = yield* functionOf(service, call)
    const { items, next } = yield* page([fn.latest, ...fn.versions.values()], call.query)
    const versions = items.map((version) => describeQualified(service.registry.place, version))
    return { status: 200, json: { Versions: versions, ...next } }
  })

const aliasFields = {
  FunctionVersion: Schema.optional(Schema.String),
  Description: Schema.optional(Schema.String),
  RoutingConfig: Schema.optional(
    Schema.Struct({
      AdditionalVersionWeights: Schema.optional(Schema.Record(Schema.String, Schema.Number))
    })
  )
}
const CreateAliasInput = Schema.Struct({ ...aliasFields, Name: Schema.String })
const UpdateAliasInput = Schema.Struct({ ...aliasFields, RevisionId: Schema.optional(Schema.String) })

/** An alias with what a request changes, checked and kept. */
const putAlias = (
  registry: Registry,
  fn: LambdaFunction,
  before: Alias,
  input: Omit<typeof UpdateAliasInput.Type, "RevisionId">
): Effect.Effect<Alias, ApiError> =>
  Effect.gen(function* () {
    const alias: Alias = {
      ...before,
      version: input.FunctionVersion ?? before.version,
      description: input.Description ?? before.description,
      weights:
        input.RoutingConfig === undefined
          ? before.weights
          : (input.RoutingConfig.AdditionalVersionWeights ?? {}),
      revisionId: crypto.randomUUID()
    }
    for (const version of [alias.version, ...Object.keys(alias.weights)]) {
      if (registry.version(fn, version) === undefined) {
        return yield* notFound(`Function not found: ${registry.arn(fn.name, version)}`)
      }
    }
    const weights = Object.values(alias.weights)
    if (weights.some((weight) => weight < 0 || weight > 1) || weights.length > 1) {
      return yield* invalid("AdditionalVersionWeights may have one version, with a weight from 0 to 1.")
    }
    if (weights.length > 0 && (alias.version === LATEST || LATEST in alias.weights)) {
      return yield* invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    }
    fn.aliases.set(alias.name, alias)
    return alias
  })

const createAlias = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const input = yield* decode(CreateAliasInput, call.body)
    const fn = yield* functionOf(service, call)
    const { Name: name } = input
    if (!/^(?!\d+$)[a-zA-Z0-9-_]{1,128}$/.test(name)) {
      return yield* invalid(
        `Value '${name}' at 'name' failed to satisfy constraint: letters, digits, - and _, and no number`
      )
    }
    if (fn.aliases.has(name)) {
      return yield* conflict(`Alias already exists: ${registry.arn(fn.name, name)}`)
    }
    const blank: Alias = { name, version: "", description: "", weights: {}, revisionId: "" }
    const alias = yield* putAlias(registry, fn, blank, input)
    return { status: 201, json: describeAlias(registry.place, fn.name, alias) }
  })

const listAliases = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const fn = yield* functionOf(service, call)
    const version = call.query.get("FunctionVersion")
    const aliases = [...fn.aliases.values()].filter((alias) => version === null || alias.version === version)
    const { items, next } = yield* page(aliases, call.query)
    return {
      status: 200,
      json: { Aliases: items.map((alias) => describeAlias(service.registry.place, fn.name, alias)), ...next }
    }
  })

/** The alias that the path names. */
const find = (service: Service, call: Call) =>
  Effect.gen(function* () {
    const fn = yield* functionOf(service, call)
    const name = call.parameters.alias!
    const alias = fn.aliases.get(name)
    if (alias === undefined) {
      return yield* notFound(`Cannot find alias arn: ${service.registry.arn(fn.name, name)}`)
    }
    return { fn, alias }
  })

const getAlias = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(find(service, call), ({ alias, fn }) => ({
    status: 200,
    json: describeAlias(service.registry.place, fn.name, alias)
  }))

const updateAlias = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const input = yield* decode(UpdateAliasInput, call.body)
    const { alias: before, fn } = yield* find(service, call)
    yield* checkRevision(input.RevisionId, before.revisionId)
    const alias = yield* putAlias(registry, fn, before, input)
    return { status: 200, json: describeAlias(registry.place, fn.name, alias) }
  })

/** One that is not there is gone already. */
const deleteAlias = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), (fn) => {
    fn.aliases.delete(call.parameters.alias!)
    return { status: 204 }
  })
