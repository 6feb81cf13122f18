/**
 * Functions: create, update, read, list, delete.
 */
import * as Effect from "effect/Effect"
import { type ApiError, invalid, notFound } from "../ApiError.ts"
import type { Code } from "../functions/CodeStore.ts"
import {
  type CodeInput,
  CreateInput,
  change,
  decode,
  initial,
  UpdateCodeInput,
  UpdateInput
} from "../functions/Configuration.ts"
import { describeQualified, describeUpdated, describeVersion } from "../functions/Described.ts"
import { parse } from "../functions/FunctionName.ts"
import { layersOf } from "../functions/Layers.ts"
import { checkRevision } from "../functions/Registry.ts"
import { download } from "../functions/S3Code.ts"
import type { Service } from "../Service.ts"
import { page } from "./Page.ts"
import { type Answer, type Call, limitOf, type Route } from "./Route.ts"

const FUNCTIONS = "/2015-03-31/functions"
/** 50 MB of zip file, in base64, and what is around it. */
const MOST_BODY_BYTES = 70_167_211

/** The routes. */
export const functionRoutes = (service: Service): ReadonlyArray<Route> => [
  {
    method: "POST",
    path: FUNCTIONS,
    limit: () => limitOf(MOST_BODY_BYTES, "CreateFunction"),
    answer: (call) => create(service, call)
  },
  { method: "GET", path: FUNCTIONS, answer: (call) => list(service, call) },
  { method: "GET", path: `${FUNCTIONS}/:name`, answer: (call) => get(service, call) },
  { method: "DELETE", path: `${FUNCTIONS}/:name`, answer: (call) => remove(service, call) },
  {
    method: "GET",
    path: `${FUNCTIONS}/:name/configuration`,
    answer: (call) => getConfiguration(service, call)
  },
  {
    method: "PUT",
    path: `${FUNCTIONS}/:name/configuration`,
    answer: (call) => updateConfiguration(service, call)
  },
  {
    method: "PUT",
    path: `${FUNCTIONS}/:name/code`,
    limit: () => limitOf(MOST_BODY_BYTES, "UpdateFunctionCode"),
    answer: (call) => updateCode(service, call)
  },
  // Where GetFunction says that the code is. Its id can be known by whoever may read the function only.
  { method: "GET", path: "/code/:id", isOpen: true, answer: (call) => getCode(service, call) }
]

/** Which function a call is about. */
export const referenceOf = ({ registry }: Service, { parameters, query }: Call) =>
  parse(parameters.name!, query.get("Qualifier") ?? undefined, registry.place)

/** The function itself; a qualifier has no meaning here. */
export const functionOf = (service: Service, call: Call) =>
  Effect.flatMap(referenceOf(service, call), (reference) => service.registry.get(reference))

/** The zip file that a request has, or names. */
export const codeOf = (service: Service, input: CodeInput): Effect.Effect<Code, ApiError> =>
  Effect.gen(function* () {
    if (input.ImageUri !== undefined) {
      return yield* invalid("This local service runs functions of zip files only, no container images.")
    }
    if (input.ZipFile !== undefined) return yield* service.code.add(Buffer.from(input.ZipFile, "base64"))
    if (input.S3Bucket === undefined || input.S3Key === undefined) {
      return yield* invalid("Please provide a source for function code: ZipFile, or S3Bucket and S3Key.")
    }
    return yield* service.code.add(yield* download(service.settings, input.S3Bucket, input.S3Key))
  })

const create = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const input = yield* decode(CreateInput, call.body)
    const { name } = yield* parse(input.FunctionName, undefined, registry.place)
    // Before the code is unpacked, too.
    if (registry.peek(name) === undefined && input.PackageType === "Image") {
      return yield* invalid("This local service runs functions of zip files only, no container images.")
    }
    const start = { ...initial(name), architecture: input.Architectures?.[0] ?? "x86_64" }
    const configuration = yield* change(start, input, service.settings.roles)
    const code = yield* codeOf(service, input.Code)
    const layersFolder = yield* layersOf(service, configuration.layers)
    const fn = yield* registry.create(name, { configuration, code, layersFolder }, input.Tags ?? {})
    const version = input.Publish === true ? registry.publish(fn, undefined) : fn.latest
    return { status: 201, json: describeUpdated(registry.place, version) }
  })

const list = ({ registry }: Service, { query }: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const versions = registry
      .list()
      .flatMap((fn) =>
        query.get("FunctionVersion") === "ALL"
          ? [fn.latest, ...fn.versions.values()].map((version) => describeQualified(registry.place, version))
          : [describeVersion(registry.place, fn.latest, undefined)]
      )
    const { items, next } = yield* page(versions, query)
    return { status: 200, json: { Functions: items, ...next } }
  })

const get = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const reference = yield* referenceOf(service, call)
    const { fn, version } = yield* registry.find(reference)
    return {
      status: 200,
      json: {
        Configuration: describeVersion(registry.place, version, reference.qualifier),
        Code: { RepositoryType: "S3", Location: `${service.url}/code/${version.code.id}` },
        ...(Object.keys(fn.tags).length > 0 && { Tags: fn.tags }),
        ...(fn.reserved !== undefined && {
          Concurrency: { ReservedConcurrentExecutions: fn.reserved }
        })
      }
    }
  })

const getConfiguration = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const reference = yield* referenceOf(service, call)
    const { version } = yield* registry.find(reference)
    return { status: 200, json: describeVersion(registry.place, version, reference.qualifier) }
  })

const remove = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const reference = yield* referenceOf(service, call)
    const fn = yield* registry.get(reference)
    if (reference.qualifier === undefined) registry.remove(fn)
    else yield* registry.removeVersion(fn, reference.qualifier)
    return { status: 204 }
  })

const updateConfiguration = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry, settings } = service
    const input = yield* decode(UpdateInput, call.body)
    const fn = yield* functionOf(service, call)
    const configuration = yield* change(fn.latest.configuration, input, settings.roles)
    const layersFolder = yield* layersOf(service, configuration.layers)
    yield* checkRevision(input.RevisionId, fn.latest.revisionId)
    const version = registry.update(fn, { configuration, layersFolder })
    return { status: 200, json: describeUpdated(registry.place, version) }
  })

const updateCode = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { registry } = service
    const input = yield* decode(UpdateCodeInput, call.body)
    const fn = yield* functionOf(service, call)
    const code = yield* codeOf(service, input)
    yield* checkRevision(input.RevisionId, fn.latest.revisionId)
    const { configuration } = fn.latest
    const architecture = input.Architectures?.[0] ?? configuration.architecture
    const changed = { code, configuration: { ...configuration, architecture } }
    if (input.DryRun === true) {
      return { status: 200, json: describeUpdated(registry.place, { ...fn.latest, ...changed }) }
    }
    const latest = registry.update(fn, changed)
    const version = input.Publish === true ? registry.publish(fn, undefined) : latest
    return { status: 200, json: describeUpdated(registry.place, version) }
  })

const getCode = ({ code }: Service, { parameters }: Call): Effect.Effect<Answer, ApiError> =>
  Effect.flatMap(code.read(parameters.id!), (body) =>
    body === undefined
      ? Effect.fail(notFound(`There is no code ${parameters.id}`))
      : Effect.succeed({ status: 200, body, headers: { "content-type": "application/zip" } })
  )
