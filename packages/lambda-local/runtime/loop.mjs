/**
 * The built-in runtime loop: loads the handler, then asks the Runtime API for invocations until its process ends.
 *
 * It behaves as AWS's runtime of Node.js 24. Every import here delays every cold start; built-in modules come from
 * `getBuiltinModule`: an `import` reads all that a module exports, which with node:http loads fetch and WebSocket (20 ms).
 */
import "./output.mjs"
import { openConnection } from "./connection.mjs"
import { contextOf } from "./context.mjs"
import { describeError, loggedError } from "./errors.mjs"
import { loadHandler } from "./handler.mjs"
import { patchConsole } from "./log.mjs"

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":")
const API = "/2018-06-01/runtime"
/** Without a service there is nothing to live for. */
const request = openConnection(host, port, () => process.exit(1))

const post = (path, body, headers) =>
  request("POST", API + path, { "content-type": "application/json", ...headers }, body)

const postError = (path, error) => {
  const described = describeError(error)
  return post(path, JSON.stringify(described), {
    "lambda-runtime-function-error-type": encodeURIComponent(described.errorType)
  })
}

const serialize = (value) => {
  try {
    return JSON.stringify(value === undefined ? null : value)
  } catch {
    throw Object.assign(new Error("Unable to stringify response body"), {
      name: "Runtime.JSONStringifyError"
    })
  }
}

/** Runs one invocation. Resolves when its response is on the way, not when it has arrived. */
const serve = async (handler, log, { headers, text }) => {
  const context = contextOf(headers)
  const path = `/invocation/${encodeURIComponent(context.awsRequestId)}`
  log.begin(context.awsRequestId)
  try {
    const event = JSON.parse(text)
    if (handler.isStreaming) {
      const { stream } = await import("./streaming.mjs")
      await stream(handler, event, context, { host, port, path: `${API}${path}/response` })
    } else {
      const { run } = handler
      const body = serialize(await run(event, context))
      void post(`${path}/response`, body)
    }
  } catch (error) {
    console.error("Invoke Error", loggedError(error))
    void postError(`${path}/error`, error)
  }
}

/** What AWS has by the option --expose-gc, which would slow down the start. */
const exposeGc = () =>
  Object.defineProperty(globalThis, "gc", {
    configurable: true,
    get: () => {
      process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc")
      const value = process.getBuiltinModule("node:vm").runInNewContext("gc")
      Object.defineProperty(globalThis, "gc", { value, writable: true })
      return value
    }
  })

const main = async () => {
  const log = patchConsole()
  exposeGc()
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[Symbol.for("aws.lambda.runtime.handler.streaming")] = "response"
      const mark = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")
      if (typeof options?.highWaterMark === "number") handler[mark] = options.highWaterMark
      return handler
    },
    HttpResponseStream: {
      from: (stream, prelude) => {
        stream.setContentType("application/vnd.awslambda.http-integration-response")
        stream.write(JSON.stringify(prelude))
        stream.write(new Uint8Array(8))
        return stream
      }
    }
  }
  let handler
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER)
  } catch (error) {
    console.error("Init Error", loggedError(error))
    await postError("/init/error", error)
    process.exit(1)
  }
  while (true) await serve(handler, log, await request("GET", `${API}/invocation/next`))
}

// Not awaited: a handler that waits for nothing ends the process with code 0, as on AWS.
void main()
