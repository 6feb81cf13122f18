/**
 * The Lambda Runtime API (2018-06-01) of one environment, on a port of its own: what AWS_LAMBDA_RUNTIME_API names.
 *
 * A function asks for the next invocation, which is answered when there is one, and posts a response or an error to it.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Outcome, Request } from "./Invocation.ts"
import { RESPONSE_LIMIT_BYTES, reported, responseTooLarge } from "./Outcome.ts"

const PATH = /^\/2018-06-01\/runtime\/(?:init\/error|invocation\/(?:next|([^/]+)\/(response|error)))$/

interface Current {
  readonly id: string
  readonly outcome: Deferred.Deferred<Outcome>
}

export class RuntimeApi {
  readonly #server: Server
  /** Open while a function waits for an invocation. */
  readonly #asked = Latch.makeUnsafe(false)
  /** Open while there is no connection. */
  readonly #quiet = Latch.makeUnsafe(true)
  #connections = 0
  #waiting: ServerResponse | undefined
  #current: Current | undefined
  #initError: Outcome | undefined

  private constructor() {
    this.#server = createServer(
      // Polls are as long as it takes, over one connection that lives as long as the function.
      { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
      (request, response) => {
        this.#handle(request, response).catch(() => response.destroy())
      }
    )
    this.#server.on("connection", (socket) => {
      this.#connections++
      this.#quiet.closeUnsafe()
      socket.once("close", () => {
        if (--this.#connections === 0) this.#quiet.openUnsafe()
      })
    })
  }

  static async listen(): Promise<RuntimeApi> {
    const api = new RuntimeApi()
    api.#server.listen(0, "127.0.0.1")
    await once(api.#server, "listening")
    return api
  }

  /** Host and port. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Waits until a function waits for an invocation. */
  get asked(): Effect.Effect<void> {
    return this.#asked.await
  }

  /** Waits until there is no connection: after the end of a process, until all that it has sent has been read. */
  get quiet(): Effect.Effect<void> {
    return this.#quiet.await
  }

  /** Why a function could not initialise, if it said so. */
  get initError(): Outcome | undefined {
    return this.#initError
  }

  /** Gives an invocation to the function that waits. */
  deliver(request: Request, deadlineMs: number): Deferred.Deferred<Outcome> {
    const outcome = Deferred.makeUnsafe<Outcome>()
    const response = this.#waiting
    this.#current = { id: request.id, outcome }
    this.#forget()
    response?.writeHead(200, {
      "content-type": "application/json",
      "content-length": request.payload.byteLength,
      "lambda-runtime-aws-request-id": request.id,
      "lambda-runtime-deadline-ms": String(Math.round(deadlineMs)),
      "lambda-runtime-invoked-function-arn": request.arn,
      "lambda-runtime-trace-id": headerOf(request.traceId),
      ...(request.clientContext !== undefined && {
        "lambda-runtime-client-context": headerOf(request.clientContext)
      }),
      ...(request.cognitoIdentity !== undefined && {
        "lambda-runtime-cognito-identity": headerOf(request.cognitoIdentity)
      })
    })
    response?.end(request.payload)
    return outcome
  }

  /** Before the function's process is started again. */
  reset(): void {
    this.#initError = undefined
    this.#forget()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #forget(): void {
    this.#waiting = undefined
    this.#asked.closeUnsafe()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const match = PATH.exec(request.url ?? "")
    if (match === null) return refuse(response, 404, "NotFound", "There is no such path.")
    const [path, id, kind] = match
    if (path.endsWith("/next")) {
      if (request.method !== "GET") return refuse(response, 405, "MethodNotAllowed", "It has to be GET.")
      return this.#wait(response)
    }
    if (request.method !== "POST") return refuse(response, 405, "MethodNotAllowed", "It has to be POST.")
    const body = await read(request)
    if (kind === undefined) {
      this.#initError = reported(body ?? new Uint8Array(), errorTypeOf(request))
      return accept(response)
    }
    const current = this.#current
    if (current === undefined) {
      return refuse(response, 403, "InvalidStateTransition", "The invocation has been answered already.")
    }
    if (decodeURIComponent(id!) !== current.id) {
      return refuse(response, 400, "InvalidRequestID", "This is not the invocation under way.")
    }
    this.#current = undefined
    if (body === undefined) {
      Deferred.doneUnsafe(current.outcome, Effect.succeed(responseTooLarge()))
      return refuse(
        response,
        413,
        "RequestEntityTooLarge",
        `Exceeded maximum allowed payload size (${RESPONSE_LIMIT_BYTES} bytes).`
      )
    }
    Deferred.doneUnsafe(current.outcome, Effect.succeed(outcomeOf(kind, request, body)))
    accept(response)
  }

  #wait(response: ServerResponse): void {
    // A function has one loop: whoever asked before has gone.
    this.#waiting?.destroy()
    this.#waiting = response
    response.once("close", () => {
      if (this.#waiting === response) this.#forget()
    })
    this.#asked.openUnsafe()
  }
}

/** As a header can have it: UTF-8, in one line. In JSON such characters are between values. */
const headerOf = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about these
  Buffer.from(text.replace(/[\x00-\x1f\x7f]/g, " ")).toString("latin1")

/** The body, or undefined if it is too large. */
const read = async (request: IncomingMessage): Promise<Uint8Array | undefined> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    // The rest is read, so that the answer can be.
    if (size <= RESPONSE_LIMIT_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  return size <= RESPONSE_LIMIT_BYTES ? Buffer.concat(chunks) : undefined
}

const outcomeOf = (kind: string, request: IncomingMessage, body: Uint8Array): Outcome => {
  if (kind === "error") return reported(body, errorTypeOf(request))
  // A streamed response that failed on its way says so at its end.
  const type = request.trailers["lambda-runtime-function-error-type"]
  if (type === undefined) return { type: "response", payload: body }
  return reported(Buffer.from(request.trailers["lambda-runtime-function-error-body"] ?? "", "base64"), type)
}

const errorTypeOf = (request: IncomingMessage): string | undefined => {
  const header = request.headers["lambda-runtime-function-error-type"]
  return typeof header === "string" ? header : undefined
}

const accept = (response: ServerResponse): void => answer(response, 202, { status: "OK" })

const refuse = (response: ServerResponse, status: number, errorType: string, errorMessage: string): void =>
  answer(response, status, { errorType, errorMessage })

const answer = (response: ServerResponse, status: number, body: object): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text)
  })
  response.end(text)
}
