/** What Lambda, the AWS SDK and the network say when something is wrong, as errors that say what to do. */
import { LambdaError, type LambdaErrorReason } from "./LambdaError.ts"

/** An error of the SDK, whatever its class. */
interface Failed {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Where Lambda is, for messages. */
export interface Place {
  readonly region: string | undefined
  readonly endpoint: string | undefined
}

type Finding = readonly [reason: LambdaErrorReason, detail: string]

/**
 * An error of the SDK as one of ours.
 *
 * @param operation what was asked of Lambda, as a person would say it
 */
export const toLambdaError = (operation: string, error: unknown, place: Place): LambdaError => {
  if (error instanceof LambdaError) return error
  const failed: Failed = error instanceof Error ? error : new Error(String(error))
  const [reason, detail] = finding(failed, place)
  return new LambdaError({ reason, operation, detail, cause: error })
}

const shown = ({ endpoint, region }: Place): string =>
  endpoint === undefined ? `region ${region ?? "unknown"}` : endpoint

const finding = (failed: Failed, place: Place): Finding => {
  const { code, message, name } = failed
  const status = failed.$metadata?.httpStatusCode
  if (name === "CredentialsProviderError" || name === "TokenProviderError") {
    return [
      "credentials",
      `there are no AWS credentials (${message}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and ` +
        "`aws sso login`; or pass `credentials`"
    ]
  }
  if (/^Region is missing/.test(message)) {
    return ["unreachable", "no region is chosen. Set AWS_REGION, or pass `region`"]
  }
  if (isUnanswered(failed)) {
    return [
      "unreachable",
      `nothing answers at ${shown(place)} (${code ?? name}: ${message}). Is it the right region, or endpoint, and is ` +
        "there a network?"
    ]
  }
  switch (name) {
    case "UnrecognizedClientException":
    case "InvalidSignatureException":
    case "SignatureDoesNotMatch":
    case "InvalidClientTokenId":
    case "IncompleteSignature":
    case "IncompleteSignatureException":
    case "MissingAuthenticationTokenException":
      return ["credentials", `the credentials are not accepted in ${shown(place)}: ${message}`]
    case "ExpiredTokenException":
    case "ExpiredToken":
      return ["credentials", `the credentials have expired: ${message}. Sign in again (\`aws sso login\`)`]
    case "AccessDeniedException":
    case "AccessDenied":
    case "OptInRequired":
    case "KMSAccessDeniedException":
      return ["denied", `these credentials may not do it: ${message}. Ask for that permission`]
    case "ResourceNotFoundException":
      return [
        "missing",
        `it is not there (${message}). Deploy it with \`weft deploy FILE\`, to ${shown(place)}`
      ]
    case "RequestTooLargeException":
    case "RequestEntityTooLargeException":
      return ["payload", `the event is larger than Lambda takes: ${message}`]
    case "TooManyRequestsException":
    case "ThrottlingException":
    case "Throttling":
      return ["throttled", `too much is asked of it at the moment: ${message}`]
    case "ResourceConflictException":
    case "ResourceNotReadyException":
      return ["unavailable", `the function is being made or changed: ${message}`]
  }
  if (status === 413) return ["payload", `the event is larger than Lambda takes: ${message}`]
  if (status === 429) return ["throttled", `too much is asked of it at the moment: ${message}`]
  if (status === 403) return ["denied", `these credentials may not do it: ${message}`]
  if (status !== undefined && status >= 500)
    return ["unavailable", `it answered with ${status}: ${name}: ${message}`]
  return ["refused", `${name}: ${message}`]
}

/** Whether it never came to an answer. */
const isUnanswered = ({ $metadata, code, name }: Failed): boolean =>
  name === "TimeoutError" ||
  ($metadata?.httpStatusCode === undefined &&
    code !== undefined &&
    /^(E[A-Z]+|ERR_SSL.*|CERT_.*|UNABLE_TO_.*|SELF_SIGNED.*|DEPTH_ZERO.*)$/.test(code))
