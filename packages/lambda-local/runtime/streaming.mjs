/** Handlers of `awslambda.streamifyResponse`: the response is sent while it is made, and an error comes in its trailers. */
import { describeError, loggedError } from "./errors.mjs"

const http = process.getBuiltinModule("node:http")

const TYPE = "Lambda-Runtime-Function-Error-Type"
const BODY = "Lambda-Runtime-Function-Error-Body"

/** Resolves when the service has taken the response. */
export const stream = async (handler, event, context, target) => {
  let taken
  const answered = new Promise((resolve) => {
    taken = resolve
  })
  const request = http.request(
    {
      ...target,
      method: "POST",
      headers: {
        "lambda-runtime-function-response-mode": "streaming",
        "content-type": "application/octet-stream",
        "transfer-encoding": "chunked",
        trailer: `${TYPE}, ${BODY}`
      }
    },
    (response) => response.resume().on("end", taken)
  )
  request.on("error", () => process.exit(1))
  request.setContentType = (type) => request.setHeader("content-type", type)
  const write = request.write.bind(request)
  // Other values are sent as JSON.
  request.write = (chunk, ...rest) =>
    write(typeof chunk === "string" || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk), ...rest)
  try {
    const { run } = handler
    const result = run(event, request, context)
    if (typeof result?.then !== "function") throw new Error("Streaming does not support non-async handlers.")
    if ((await result) !== undefined) console.warn("Streaming handlers ignore return values.")
    await answered
  } catch (error) {
    console.error("Invoke Error", loggedError(error))
    const described = describeError(error)
    request.addTrailers({
      [TYPE]: encodeURIComponent(described.errorType),
      [BODY]: Buffer.from(JSON.stringify(described)).toString("base64")
    })
    request.end()
    await answered
  }
}
