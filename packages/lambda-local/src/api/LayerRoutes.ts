/**
 * Layers: publish, read, list, delete.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ApiError, invalid, notFound } from "../ApiError.ts"
import { CodeInput, decode } from "../functions/Configuration.ts"
import type { LayerVersion } from "../functions/Layers.ts"
import type { Service } from "../Service.ts"
import { codeOf } from "./FunctionRoutes.ts"
import { page } from "./Page.ts"
import { type Answer, type Call, limitOf, type Route } from "./Route.ts"

const LAYERS = "/2018-10-31/layers"
const VERSIONS = `${LAYERS}/:layer/versions`
const MOST_BODY_BYTES = 70_167_211

/** The routes. */
export const layerRoutes = (service: Service): ReadonlyArray<Route> => [
  {
    method: "POST",
    path: VERSIONS,
    limit: () => limitOf(MOST_BODY_BYTES, "PublishLayerVersion"),
    answer: (call) => publish(service, call)
  },
  { method: "GET", path: VERSIONS, answer: (call) => listVersions(service, call) },
  { method: "GET", path: `${VERSIONS}/:version`, answer: (call) => get(service, call) },
  { method: "DELETE", path: `${VERSIONS}/:version`, answer: (call) => remove(service, call) },
  { method: "GET", path: LAYERS, answer: (call) => list(service, call) }
]

const PublishInput = Schema.Struct({
  Content: CodeInput,
  Description: Schema.optional(Schema.String),
  CompatibleRuntimes: Schema.optional(Schema.Array(Schema.String))
})

/** The layer's ARN, from its name or its ARN. */
const arnOf = ({ settings }: Service, { parameters }: Call): Effect.Effect<string, ApiError> => {
  const prefix = `arn:aws:lambda:${settings.region}:${settings.account}:layer:`
  const given = parameters.layer!
  const name = given.startsWith(prefix) ? given.slice(prefix.length) : given
  return /^[a-zA-Z0-9-_]{1,140}$/.test(name)
    ? Effect.succeed(prefix + name)
    : Effect.fail(invalid(`Value '${given}' at 'layerName' is no layer's name, nor an ARN of one here`))
}

const describe = (layer: LayerVersion) => ({
  LayerVersionArn: layer.arn,
  Version: layer.version,
  Description: layer.description,
  CreatedDate: layer.created.toISOString().replace("Z", "+0000"),
  CompatibleRuntimes: layer.runtimes
})

const describeWhole = ({ url }: Service, layer: LayerVersion) => ({
  ...describe(layer),
  LayerArn: layer.arn.slice(0, layer.arn.lastIndexOf(":")),
  Content: {
    Location: `${url}/code/${layer.code.id}`,
    CodeSha256: layer.code.sha256,
    CodeSize: layer.code.size
  }
})

const publish = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const input = yield* decode(PublishInput, call.body)
    const layerArn = yield* arnOf(service, call)
    const code = yield* codeOf(service, input.Content)
    const name = layerArn.slice(layerArn.lastIndexOf(":") + 1)
    const layer = service.layers.add(
      { name, code, description: input.Description ?? "", runtimes: input.CompatibleRuntimes ?? [] },
      layerArn
    )
    return { status: 201, json: describeWhole(service, layer) }
  })

const get = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const arn = `${yield* arnOf(service, call)}:${call.parameters.version}`
    const layer = service.layers.get(arn)
    if (layer === undefined) return yield* notFound(`The resource you requested does not exist: ${arn}`)
    return { status: 200, json: describeWhole(service, layer) }
  })

const remove = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(arnOf(service, call), (layerArn) => {
    service.layers.remove(`${layerArn}:${call.parameters.version}`)
    return { status: 204 }
  })

const listVersions = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { items, next } = yield* page(service.layers.list(yield* arnOf(service, call)), call.query)
    return { status: 200, json: { LayerVersions: items.map(describe), ...next } }
  })

/** All layers; or, with `find=LayerVersion`, the version that has the ARN. */
const list = (service: Service, { query }: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    if (query.get("find") === "LayerVersion") {
      const arn = query.get("Arn") ?? ""
      const layer = service.layers.get(arn)
      if (layer === undefined) return yield* notFound(`The resource you requested does not exist: ${arn}`)
      return { status: 200, json: describeWhole(service, layer) }
    }
    const newest = new Map<string, LayerVersion>()
    for (const layer of service.layers.list()) {
      if (layer.version > (newest.get(layer.name)?.version ?? 0)) newest.set(layer.name, layer)
    }
    const { items, next } = yield* page([...newest.values()], query)
    const layers = items.map((layer) => ({
      LayerName: layer.name,
      LayerArn: layer.arn.slice(0, layer.arn.lastIndexOf(":")),
      LatestMatchingVersion: describe(layer)
    }))
    return { status: 200, json: { Layers: layers, ...next } }
  })
