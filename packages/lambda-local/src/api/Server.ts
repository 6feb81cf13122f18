/**
 * The HTTP server: reads requests, finds who answers them, and writes answers and errors as AWS does.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ApiError, refused } from "../ApiError.ts"
import type { Settings } from "../Options.ts"
import * as Credentials from "./Credentials.ts"
import { type Answer, limitOf, type Match, matcher, type Route } from "./Route.ts"

/** The address cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly host: string
  readonly port: number
  readonly cause: NodeJS.ErrnoException
}> {
  override get message() {
    const { cause, host, port } = this
    const address = `${host}:${port}`
    if (cause.code === "EADDRINUSE") return `${address} is in use: choose another port, or 0 for any free one`
    if (cause.code === "EACCES") return `${address} may not be listened on: ports below 1024 need privileges`
    return `${address} cannot be listened on: ${cause.message}`
  }
}

/** Most requests have a small body. */
const SMALL = limitOf(1_048_576, "Lambda")
/** A body that is too large is read to its end and thrown away, so that the client hears why; up to so many bytes. */
const MOST_READ_BYTES = 256 * 1024 * 1024

/** Listens until the scope closes. Answers its URL. */
export const listen = (
  routes: ReadonlyArray<Route>,
  settings: Settings
): Effect.Effect<string, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const match = matcher(routes)
    const server = createServer((request, response) => {
      // A client that goes away does not end what it has asked for.
      Effect.runFork(Effect.forkIn(handle(request, response, match, settings), scope))
    })
    // Clients keep connections, and 500 functions at once have one each.
    server.keepAliveTimeout = 120_000
    server.requestTimeout = 0
    yield* Effect.acquireRelease(bind(server, settings), () => close(server))
    const { address, family, port } = server.address() as AddressInfo
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`
  })

const bind = (server: Server, { host, port }: Settings) =>
  Effect.callback<void, ListenError>((resume) => {
    const failed = (cause: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenError({ host, port, cause })))
    server.once("error", failed)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off("error", failed)
      resume(Effect.void)
    })
  })

const close = (server: Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

const handle = (
  request: IncomingMessage,
  response: ServerResponse,
  match: (method: string, path: string) => Match | undefined,
  settings: Settings
): Effect.Effect<void> => {
  const requestId = crypto.randomUUID()
  return Effect.gen(function* () {
    const url = new URL(request.url ?? "/", "http://service")
    const found = yield* Effect.try({
      try: () => match(request.method ?? "GET", url.pathname),
      catch: () => refused("UnknownOperationException", `The path is not URL-encoded: ${url.pathname}`)
    })
    if (found === undefined) {
      return yield* refused(
        "UnknownOperationException",
        `This local service does not know ${request.method} ${url.pathname}`
      )
    }
    const { parameters, route } = found
    const wrong = route.isOpen === true ? undefined : Credentials.problem(request.headers, settings)
    if (wrong !== undefined) return yield* wrong
    const { bytes, error } = route.limit?.(request.headers) ?? SMALL
    const body = yield* read(request, bytes)
    if (body === undefined) return yield* error
    const { headers } = request
    return yield* route.answer({ requestId, parameters, query: url.searchParams, headers, body })
  }).pipe(
    Effect.catchCause((cause) => Effect.succeed(refusal(Cause.squash(cause)))),
    Effect.flatMap((answer) => Effect.sync(() => write(request, response, answer, requestId)))
  )
}

/** The body; `undefined` if it is larger than allowed. */
const read = (request: IncomingMessage, most: number) =>
  Effect.callback<Uint8Array | undefined>((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= most) chunks.push(chunk)
      else chunks.length = 0
      if (bytes > MOST_READ_BYTES) request.destroy()
    })
    request.on("end", () => resume(Effect.succeed(bytes > most ? undefined : Buffer.concat(chunks))))
    // Whoever sent half of it does not wait for an answer.
    request.on("error", () => resume(Effect.interrupt))
  })

const refusal = (error: unknown): Answer => {
  const known =
    error instanceof ApiError
      ? error
      : refused(
          "ServiceException",
          `This should not have happened: ${error instanceof Error ? error.stack : String(error)}`
        )
  return { status: known.status, json: known, headers: { "x-amzn-errortype": known.code } }
}

const write = (request: IncomingMessage, response: ServerResponse, answer: Answer, requestId: string) => {
  // What was refused before it was read is read away, or the connection could not be used again.
  request.resume()
  const { body, headers, json, status } = answer
  const bytes = body ?? (json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(json)))
  response.writeHead(status, {
    "x-amzn-requestid": requestId,
    ...(bytes.byteLength > 0 && { "content-type": "application/json" }),
    ...(status !== 204 && { "content-length": bytes.byteLength }),
    ...headers
  })
  response.end(bytes)
}
