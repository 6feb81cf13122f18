/**
 * What is set for a function besides its configuration: concurrency, asynchronous events, recursion, tags.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ApiError, invalid, notFound } from "../ApiError.ts"
import { decode } from "../functions/Configuration.ts"
import { describeEventInvoke } from "../functions/Described.ts"
import { parse } from "../functions/FunctionName.ts"
import { type EventInvokeConfig, LATEST } from "../functions/Registry.ts"
import type { Service } from "../Service.ts"
import { functionOf, referenceOf } from "./FunctionRoutes.ts"
import type { Answer, Call, Route } from "./Route.ts"

const CONCURRENCY = "/2017-10-31/functions/:name/concurrency"
const EVENT_INVOKE = "/2019-09-25/functions/:name/event-invoke-config"
const RECURSION = "/2024-08-31/functions/:name/recursion-config"
const TAGS = "/2017-03-31/tags/:name"

/** The routes. */
export const settingRoutes = (service: Service): ReadonlyArray<Route> => [
  { method: "GET", path: "/2016-08-19/account-settings", answer: () => accountSettings(service) },
  { method: "PUT", path: CONCURRENCY, answer: (call) => putConcurrency(service, call) },
  {
    method: "GET",
    path: "/2019-09-30/functions/:name/concurrency",
    answer: (call) => getConcurrency(service, call)
  },
  { method: "DELETE", path: CONCURRENCY, answer: (call) => deleteConcurrency(service, call) },
  { method: "PUT", path: EVENT_INVOKE, answer: (call) => putEventInvoke(service, call, false) },
  { method: "POST", path: EVENT_INVOKE, answer: (call) => putEventInvoke(service, call, true) },
  { method: "GET", path: EVENT_INVOKE, answer: (call) => getEventInvoke(service, call) },
  { method: "DELETE", path: EVENT_INVOKE, answer: (call) => deleteEventInvoke(service, call) },
  { method: "PUT", path: RECURSION, answer: (call) => putRecursion(service, call) },
  { method: "GET", path: RECURSION, answer: (call) => getRecursion(service, call) },
  { method: "GET", path: TAGS, answer: (call) => listTags(service, call) },
  { method: "POST", path: TAGS, answer: (call) => tag(service, call) },
  { method: "DELETE", path: TAGS, answer: (call) => untag(service, call) }
]

const accountSettings = ({ dispatcher, registry, settings }: Service): Effect.Effect<Answer> =>
  Effect.sync(() => {
    const functions = registry.list()
    const codes = new Set(
      functions.flatMap((fn) => [fn.latest, ...fn.versions.values()].map(({ code }) => code))
    )
    return {
      status: 200,
      json: {
        AccountLimit: {
          ConcurrentExecutions: settings.concurrency,
          UnreservedConcurrentExecutions: dispatcher.unreserved(),
          CodeSizeUnzipped: 262_144_000,
          CodeSizeZipped: 52_428_800,
          TotalCodeSize: 80_530_636_800
        },
        AccountUsage: {
          FunctionCount: functions.length,
          TotalCodeSize: [...codes].reduce((sum, { size }) => sum + size, 0)
        }
      }
    }
  })

const ConcurrencyInput = Schema.Struct({ ReservedConcurrentExecutions: Schema.Number })

const putConcurrency = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { ReservedConcurrentExecutions: reserved } = yield* decode(ConcurrencyInput, call.body)
    const fn = yield* functionOf(service, call)
    if (!Number.isInteger(reserved) || reserved < 0) {
      return yield* invalid("'ReservedConcurrentExecutions' must be a whole number of at least 0")
    }
    // 100 of the usual 1,000; a smaller account keeps as large a part.
    const least = Math.min(100, Math.floor(service.settings.concurrency / 10))
    if (service.dispatcher.unreserved() + (fn.reserved ?? 0) - reserved < least) {
      return yield* invalid(
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below " +
          `its minimum value of [${least}].`
      )
    }
    fn.reserved = reserved
    return { status: 200, json: { ReservedConcurrentExecutions: reserved } }
  })

const getConcurrency = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), ({ reserved }) => ({
    status: 200,
    json: reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved }
  }))

const deleteConcurrency = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), (fn) => {
    fn.reserved = undefined
    return { status: 204 }
  })

const Destination = Schema.optional(Schema.Struct({ Destination: Schema.optional(Schema.String) }))
const EventInvokeInput = Schema.Struct({
  MaximumRetryAttempts: Schema.optional(Schema.Number),
  MaximumEventAgeInSeconds: Schema.optional(Schema.Number),
  DestinationConfig: Schema.optional(Schema.Struct({ OnSuccess: Destination, OnFailure: Destination }))
})

/** The function, and the qualifier for which events are configured. */
const configured = (service: Service, call: Call) =>
  Effect.gen(function* () {
    const reference = yield* referenceOf(service, call)
    const { fn } = yield* service.registry.find(reference)
    const qualifier = reference.qualifier ?? LATEST
    return { fn, qualifier, arn: service.registry.arn(fn.name, qualifier) }
  })

const putEventInvoke = (service: Service, call: Call, isUpdate: boolean): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const input = yield* decode(EventInvokeInput, call.body)
    const { arn, fn, qualifier } = yield* configured(service, call)
    const before = isUpdate ? fn.eventInvoke.get(qualifier) : undefined
    if (isUpdate && before === undefined) return yield* noEventInvoke(arn)
    const { DestinationConfig: to, MaximumEventAgeInSeconds: age, MaximumRetryAttempts: retries } = input
    if (retries !== undefined && ![0, 1, 2].includes(retries)) {
      return yield* invalid("'MaximumRetryAttempts' must be 0, 1 or 2")
    }
    if (age !== undefined && !(Number.isInteger(age) && age >= 60 && age <= 21_600)) {
      return yield* invalid("'MaximumEventAgeInSeconds' must be from 60 to 21600")
    }
    const config: EventInvokeConfig = {
      maximumRetryAttempts: retries ?? before?.maximumRetryAttempts,
      maximumEventAgeSeconds: age ?? before?.maximumEventAgeSeconds,
      onFailureArn: to === undefined ? before?.onFailureArn : to.OnFailure?.Destination,
      onSuccessArn: to === undefined ? before?.onSuccessArn : to.OnSuccess?.Destination,
      modified: new Date()
    }
    for (const destination of [config.onFailureArn, config.onSuccessArn]) {
      if (destination !== undefined) yield* checkDestination(service, destination)
    }
    fn.eventInvoke.set(qualifier, config)
    return { status: 200, json: describeEventInvoke(arn, config) }
  })

/** A function has to be there; nothing is known of other services. */
const checkDestination = ({ registry }: Service, arn: string): Effect.Effect<void, ApiError> => {
  if (!/^arn:aws[a-z-]*:(lambda|sqs|sns|events|s3):/.test(arn)) {
    return Effect.fail(invalid(`The provided destination is invalid: ${arn}`))
  }
  if (!arn.includes(":lambda:")) return Effect.void
  return parse(arn, undefined, registry.place).pipe(
    Effect.flatMap((reference) => registry.find(reference)),
    Effect.mapError(() => invalid(`The destination ARN ${arn} does not exist.`))
  )
}

const noEventInvoke = (arn: string) => notFound(`The function ${arn} doesn't have an EventInvokeConfig`)

const getEventInvoke = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { arn, fn, qualifier } = yield* configured(service, call)
    const config = fn.eventInvoke.get(qualifier)
    if (config === undefined) return yield* noEventInvoke(arn)
    return { status: 200, json: describeEventInvoke(arn, config) }
  })

const deleteEventInvoke = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { arn, fn, qualifier } = yield* configured(service, call)
    if (!fn.eventInvoke.delete(qualifier)) return yield* noEventInvoke(arn)
    return { status: 204 }
  })

const RecursionInput = Schema.Struct({ RecursiveLoop: Schema.Literals(["Allow", "Terminate"]) })

const putRecursion = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { RecursiveLoop } = yield* decode(RecursionInput, call.body)
    const fn = yield* functionOf(service, call)
    fn.recursiveLoop = RecursiveLoop
    return { status: 200, json: { RecursiveLoop } }
  })

const getRecursion = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), ({ recursiveLoop }) => ({
    status: 200,
    json: { RecursiveLoop: recursiveLoop }
  }))

const listTags = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), ({ tags }) => ({ status: 200, json: { Tags: tags } }))

const TagInput = Schema.Struct({ Tags: Schema.Record(Schema.String, Schema.String) })

const tag = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { Tags } = yield* decode(TagInput, call.body)
    const fn = yield* functionOf(service, call)
    fn.tags = { ...fn.tags, ...Tags }
    return { status: 204 }
  })

const untag = (service: Service, call: Call): Effect.Effect<Answer, ApiError> =>
  Effect.map(functionOf(service, call), (fn) => {
    const gone = new Set(call.query.getAll("tagKeys"))
    fn.tags = Object.fromEntries(Object.entries(fn.tags).filter(([key]) => !gone.has(key)))
    return { status: 204 }
  })
