/**
 * What the service refuses, under the names that AWS gives: SDKs make their error classes of them.
 */
import * as Data from "effect/Data"

/** The HTTP status of each error. */
const statuses = {
  AccessDeniedException: 403,
  CodeStorageExceededException: 400,
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  InvalidSignatureException: 403,
  InvalidZipFileException: 502,
  MissingAuthenticationTokenException: 403,
  PreconditionFailedException: 412,
  RecursiveInvocationException: 400,
  RequestEntityTooLargeException: 413,
  RequestTooLargeException: 413,
  ResourceConflictException: 409,
  ResourceNotFoundException: 404,
  SerializationException: 400,
  ServiceException: 500,
  TooManyRequestsException: 429,
  UnknownOperationException: 404,
  UnrecognizedClientException: 403
} as const

/** The name of an error of the Lambda API. */
export type ErrorCode = keyof typeof statuses

/** Why an invocation was throttled. */
export type ThrottleReason =
  | "ConcurrentInvocationLimitExceeded"
  | "ReservedFunctionConcurrentInvocationLimitExceeded"

/** A request that was refused. */
export class ApiError extends Data.TaggedError("ApiError")<{
  readonly code: ErrorCode
  readonly message: string
  readonly reason?: ThrottleReason
}> {
  get status(): number {
    return statuses[this.code]
  }

  /** The answer's body. AWS spells the message's key in two ways. */
  override toJSON() {
    const Type = this.status < 500 ? "User" : "Service"
    const { code, message, reason } = this
    if (capitals.has(code)) return { Type, Message: message }
    return { Type, message, ...(reason === undefined ? {} : { Reason: reason }) }
  }
}

const capitals: ReadonlySet<ErrorCode> = new Set([
  "InvalidZipFileException",
  "RecursiveInvocationException",
  "ResourceNotFoundException",
  "ServiceException"
])

/** A request that was refused. */
export const refused = (code: ErrorCode, message: string): ApiError => new ApiError({ code, message })

/** A parameter that is out of range, or of a wrong form. */
export const invalid = (message: string): ApiError => refused("InvalidParameterValueException", message)

/** Nothing is under this name. */
export const notFound = (message: string): ApiError => refused("ResourceNotFoundException", message)

/** It is there already, or in use. */
export const conflict = (message: string): ApiError => refused("ResourceConflictException", message)

/** Too much at once. */
export const throttled = (reason: ThrottleReason): ApiError =>
  new ApiError({ code: "TooManyRequestsException", message: "Rate Exceeded.", reason })
