/**
 * Routes of the API: a method, a path with parameters, and what answers.
 */
import type { IncomingHttpHeaders } from "node:http"
import type * as Effect from "effect/Effect"
import { type ApiError, refused } from "../ApiError.ts"

/** A request that was read. */
export interface Call {
  readonly requestId: string
  /** The path's parameters, decoded. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** What is answered: JSON, or bytes, or nothing. */
export interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** How many bytes a request's body may have, and what is said if it has more. */
export interface BodyLimit {
  readonly bytes: number
  readonly error: ApiError
}

export interface Route {
  readonly method: string
  /** As "/2015-03-31/functions/:name". A parameter is one segment. */
  readonly path: string
  readonly limit?: (headers: IncomingHttpHeaders) => BodyLimit
  /** Whether it may be called without credentials. Default false. */
  readonly isOpen?: boolean
  readonly answer: (call: Call) => Effect.Effect<Answer, ApiError>
}

/** A limit for a kind of request. */
export const limitOf = (bytes: number, operation: string): BodyLimit => ({
  bytes,
  error: refused(
    "RequestEntityTooLargeException",
    `Request must be smaller than ${bytes} bytes for the ${operation} operation`
  )
})

/** The route of a request and the path's parameters. */
export type Match = { readonly route: Route; readonly parameters: Readonly<Record<string, string>> }

/** Finds routes. */
export const matcher = (routes: ReadonlyArray<Route>) => {
  const split = routes.map((route) => ({ route, segments: route.path.split("/") }))
  return (method: string, path: string): Match | undefined => {
    const segments = path.replace(/(.)\/$/, "$1").split("/")
    for (const { route, segments: pattern } of split) {
      if (route.method !== method || pattern.length !== segments.length) continue
      if (!pattern.every((part, i) => part.startsWith(":") || part === segments[i])) continue
      const entries = pattern.flatMap((part, i) =>
        part.startsWith(":") ? [[part.slice(1), decodeURIComponent(segments[i]!)] as const] : []
      )
      return { route, parameters: Object.fromEntries(entries) }
    }
    return
  }
}
