/**
 * Invoke: waits for the answer, or leaves an event, or only looks whether it could.
 */
import type { IncomingHttpHeaders } from "node:http"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type ApiError, invalid, refused } from "../ApiError.ts"
import type { Executed } from "../dispatch/Dispatcher.ts"
import { chooseVersion } from "../dispatch/Routing.ts"
import * as Trace from "../dispatch/Trace.ts"
import { parse } from "../functions/FunctionName.ts"
import type { Service } from "../Service.ts"
import type { Answer, BodyLimit, Call, Route } from "./Route.ts"

/** How many bytes a payload may have. */
const MOST_SYNCHRONOUS = 6_291_456
const MOST_ASYNCHRONOUS = 1_048_576
/** The log's end that is answered, in bytes. */
const TAIL_BYTES = 4096

/** The routes. */
export const invokeRoutes = (service: Service): ReadonlyArray<Route> => [
  {
    method: "POST",
    path: "/2015-03-31/functions/:name/invocations",
    limit,
    answer: (call) => invoke(service, call)
  }
]

const isEvent = (headers: IncomingHttpHeaders) => headers["x-amz-invocation-type"] === "Event"

const limit = (headers: IncomingHttpHeaders): BodyLimit => {
  const bytes = isEvent(headers) ? MOST_ASYNCHRONOUS : MOST_SYNCHRONOUS
  const message = `Request must be smaller than ${bytes} bytes for the InvokeFunction operation`
  return { bytes, error: refused("RequestTooLargeException", message) }
}

const invoke = (
  service: Service,
  { body, headers, parameters, query, requestId }: Call
): Effect.Effect<Answer, ApiError> =>
  Effect.gen(function* () {
    const { dispatcher, events, plan, registry } = service
    const receivedAt = yield* Clock.currentTimeMillis
    const reference = yield* parse(parameters.name!, query.get("Qualifier") ?? undefined, registry.place)
    const type = headers["x-amz-invocation-type"] ?? "RequestResponse"
    if (type !== "RequestResponse" && type !== "Event" && type !== "DryRun") {
      return yield* invalid(
        `Value '${String(type)}' at 'invocationType' must be RequestResponse, Event or DryRun`
      )
    }
    const found = yield* registry.find(reference)
    const clientContext = yield* context(headers)
    const payload = body.byteLength === 0 ? EMPTY : body
    yield* checkJson(payload)
    if (type === "DryRun") return { status: 204 }
    const number = registry.nextRequest(reference.name)
    const latencyMs = plan.latencyMs(reference.name, number)
    if (latencyMs > 0) yield* Effect.sleep(latencyMs)
    const given = headers["x-amzn-trace-id"]
    const trace = Trace.follow(typeof given === "string" ? given : undefined, registry.arn(reference.name))
    if (type === "Event") {
      yield* events.accept({ requestId, reference, payload, clientContext, trace, number, receivedAt })
      return { status: 202, headers: { "x-amzn-trace-id": trace.header } }
    }
    if (service.isStopped(found, trace)) {
      return yield* refused(
        "RecursiveInvocationException",
        `Lambda has detected that ${found.fn.name} is invoked in a recursive loop and has stopped it after ` +
          `${Trace.MOST_IN_CHAIN} invocations. To allow it: PutFunctionRecursionConfig with RecursiveLoop=Allow.`
      )
    }
    const executed = yield* dispatcher.invoke({
      requestId,
      fn: found.fn,
      version: chooseVersion(registry, found, plan, number),
      arn: registry.arn(reference.name, reference.qualifier),
      payload,
      trace: trace.header,
      clientContext,
      type,
      attempt: 1,
      number,
      delivery: "",
      receivedAt,
      queuedSince: receivedAt,
      faults: []
    })
    return answer(executed, headers["x-amz-log-type"] === "Tail", trace.header)
  })

const EMPTY = Buffer.from("{}")

/** Functions get JSON. What it says is no concern of the service. */
const checkJson = (payload: Uint8Array): Effect.Effect<void, ApiError> =>
  Effect.try({
    try: () =>
      void JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()),
    catch: (error) =>
      refused(
        "InvalidRequestContentException",
        `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`
      )
  })

const context = (headers: IncomingHttpHeaders): Effect.Effect<string | undefined, ApiError> => {
  const given = headers["x-amz-client-context"]
  if (typeof given !== "string") return Effect.succeed(undefined)
  const text = Buffer.from(given, "base64").toString()
  return Effect.try({
    try: () => {
      JSON.parse(text)
      return text
    },
    catch: () =>
      refused("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
  })
}

const answer = ({ log, outcome, version }: Executed, wantsLog: boolean, trace: string): Answer => ({
  status: 200,
  body: outcome.payload,
  headers: {
    "content-type": "application/json",
    "x-amz-executed-version": version,
    "x-amzn-trace-id": trace,
    ...(outcome.type === "error" && { "x-amz-function-error": "Unhandled" }),
    ...(wantsLog && { "x-amz-log-result": Buffer.from(log).subarray(-TAIL_BYTES).toString("base64") })
  }
})
