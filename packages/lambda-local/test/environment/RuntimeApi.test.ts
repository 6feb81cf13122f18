/** The Runtime API as a custom runtime meets it. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { RuntimeApi } from "../../src/environment/RuntimeApi.ts"

let api: RuntimeApi
let url: string

beforeEach(async () => {
  api = await RuntimeApi.listen()
  url = `http://${api.address}/2018-06-01/runtime`
})
afterEach(() => api.close())

const request = { id: "id-1", payload: Buffer.from('{"a":1}'), traceId: "Root=1", arn: "arn:x" }

/** Asks for the next invocation, and has been answered. */
const next = async () => {
  const answer = fetch(`${url}/invocation/next`)
  await Effect.runPromise(api.asked)
  const outcome = api.deliver(request, 1_700_000_000_000)
  return { response: await answer, outcome: Effect.runPromise(Deferred.await(outcome)) }
}

const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url + path, { method: "POST", body, headers })
  return { code: response.status, body: await response.json() }
}

it("gives an invocation with its headers to who has asked", async () => {
  const { response } = await next()
  expect(await response.json()).toEqual({ a: 1 })
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "lambda-runtime-aws-request-id": "id-1",
    "lambda-runtime-deadline-ms": "1700000000000",
    "lambda-runtime-invoked-function-arn": "arn:x",
    "lambda-runtime-trace-id": "Root=1"
  })
  expect(response.headers.has("lambda-runtime-client-context")).toBe(false)
})

it("takes one answer, and refuses a second", async () => {
  const { outcome } = await next()
  expect(await post("/invocation/id-1/response", "1")).toEqual({ code: 202, body: { status: "OK" } })
  expect(await post("/invocation/id-1/response", "2")).toMatchObject({
    code: 403,
    body: { errorType: "InvalidStateTransition" }
  })
  expect(await post("/invocation/id-1/error", "{}")).toMatchObject({ code: 403 })
  expect(await outcome).toEqual({ type: "response", payload: Buffer.from("1") })
})

it("refuses an answer to another invocation", async () => {
  const { outcome } = await next()
  expect(await post("/invocation/id-0/response", "1")).toMatchObject({
    code: 400,
    body: { errorType: "InvalidRequestID" }
  })
  await post("/invocation/id-1/response", "2")
  expect(await outcome).toEqual({ type: "response", payload: Buffer.from("2") })
})

it("refuses a response that is too large, which is the outcome", async () => {
  const { outcome } = await next()
  expect(await post("/invocation/id-1/response", "x".repeat(6_291_557))).toMatchObject({
    code: 413,
    body: { errorType: "RequestEntityTooLarge" }
  })
  expect(await outcome).toMatchObject({
    type: "error",
    errorType: "Function.ResponseSizeTooLarge",
    unhandled: true
  })
})

it("takes an error's type from its body, or else from its header", async () => {
  const first = await next()
  await post("/invocation/id-1/error", '{"errorType":"MyError","errorMessage":"m"}', {
    "lambda-runtime-function-error-type": "Header"
  })
  expect(await first.outcome).toMatchObject({ errorType: "MyError", unhandled: false })
  const second = await next()
  await post("/invocation/id-1/error", "no JSON", { "lambda-runtime-function-error-type": "Header" })
  expect(await second.outcome).toMatchObject({ errorType: "Header", payload: Buffer.from("no JSON") })
})

it("keeps an error of initialisation until the next attempt", async () => {
  await post("/init/error", '{"errorType":"Bad","errorMessage":"m"}')
  expect(api.initError).toMatchObject({ errorType: "Bad" })
  api.reset()
  expect(api.initError).toBeUndefined()
})

it("answers other paths and methods with an error", async () => {
  expect((await fetch(`${url}/other`)).status).toBe(404)
  expect((await fetch(`${url}/invocation/next`, { method: "POST" })).status).toBe(405)
  expect((await fetch(`${url}/invocation/id-1/response`)).status).toBe(405)
})
