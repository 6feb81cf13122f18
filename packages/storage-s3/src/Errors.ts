/** What S3, the SDK and the network say when something is wrong, as errors that say what to do. */
import { StoreError, type StoreErrorReason } from "@weft/storage"
import type { Settings } from "./Options.ts"

/** What the store can be asked, and which rights each needs. */
export const RIGHTS = {
  put: ["s3:PutObject", "s3:AbortMultipartUpload"],
  // Without ListBucket S3 says "denied" where it means "not there".
  get: ["s3:GetObject", "s3:ListBucket"],
  remove: ["s3:DeleteObject"],
  removeRun: ["s3:ListBucket", "s3:DeleteObject", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"],
  usage: ["s3:ListBucket"]
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

export type Operation = keyof typeof RIGHTS

/** What people are told that an operation is. */
const NAMES: Readonly<Record<Operation, string>> = {
  put: "put an object",
  get: "get objects",
  remove: "remove objects",
  removeRun: "remove a run's objects",
  usage: "count objects"
}

/** An error of the SDK, whatever its class. */
interface Failed {
  readonly name: string
  readonly message: string
  /** Of the network. */
  readonly code?: string
  /** Of S3. */
  readonly Code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
}

type Finding = readonly [reason: StoreErrorReason, detail: string]

/** One of our own findings. */
export const storeError = (
  operation: Operation,
  reason: StoreErrorReason,
  detail: string,
  cause?: unknown
): StoreError => new StoreError({ reason, operation: NAMES[operation], detail, cause })

/** What answers is something else. */
export const notS3 = (operation: Operation, settings: Settings, found: string): StoreError =>
  storeError(
    operation,
    "refused",
    `what answers does not speak as S3 does (${found}). Look at the endpoint: ${nameOf(settings)}`
  )

/** An error of the SDK as one of ours. */
export const toStoreError = (operation: Operation, error: unknown, settings: Settings): StoreError => {
  if (error instanceof StoreError) return error
  const failed: Failed = error instanceof Error ? error : new Error(String(error))
  if (isUnreadable(failed)) return notS3(operation, settings, failed.message)
  const [reason, detail] = finding(failed, operation, settings)
  return storeError(operation, reason, detail, error)
}

/** Whether S3 said so: its code, or the SDK's name for it. */
export const isNamed = (error: unknown, name: string): boolean =>
  error instanceof Error && error.name === name

/** It succeeded, and what it said could not be read. */
const isUnreadable = ({ $metadata: { httpStatusCode: status = 500 } = {} }: Failed): boolean => status < 300

const finding = (failed: Failed, operation: Operation, settings: Settings): Finding => {
  const status = failed.$metadata?.httpStatusCode
  return (
    ofClient(failed, settings) ??
    ofNetwork(failed, settings) ??
    ofCode(failed, operation, settings) ??
    ofStatus(failed, status, operation, settings)
  )
}

const nameOf = ({ bucket, endpoint }: Settings) =>
  `s3://${bucket}${endpoint === undefined ? "" : ` at ${endpoint}`}`

/** What the SDK found before it sent anything. */
const ofClient = ({ code, message, name }: Failed, settings: Settings): Finding | undefined => {
  if (code === "ERR_MODULE_NOT_FOUND") {
    return ["refused", `the SDK cannot be loaded (${message}). Install or bundle @aws-sdk/client-s3`]
  }
  if (name === "CredentialsProviderError" || /^Resolved credential object is not valid/.test(message)) {
    return [
      "refused",
      `there are no credentials for ${nameOf(settings)} (${message}). Set AWS_ACCESS_KEY_ID and ` +
        "AWS_SECRET_ACCESS_KEY or AWS_PROFILE, give the machine or function a role, or give the option `credentials`"
    ]
  }
  if (/^Region is missing/.test(message)) {
    return [
      "refused",
      `no region is known for ${nameOf(settings)}. Set AWS_REGION, or give the option \`region\``
    ]
  }
  if (name === "TypeError" && /Invalid URL/.test(message)) {
    return [
      "refused",
      `the endpoint "${settings.endpoint}" is no URL. Give one such as http://localhost:9000`
    ]
  }
  return undefined
}

/** What came instead of an answer. */
const ofNetwork = (failed: Failed, settings: Settings): Finding | undefined => {
  const { code = "", message, name } = failed
  const where = settings.endpoint ?? "S3"
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return [
      "unavailable",
      `there is no host of that name (${message}). Look at endpoint, region and bucket; a server that is not AWS may ` +
        "need `forcePathStyle`"
    ]
  }
  if (code === "ECONNREFUSED") {
    return [
      "unavailable",
      `nothing listens at ${where} (${message}). Is the server running, and the port right?`
    ]
  }
  if (/^(CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/.test(code)) {
    return [
      "refused",
      `the certificate of ${where} is not trusted (${code}). Name the file of its authority in NODE_EXTRA_CA_CERTS`
    ]
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return [
      "refused",
      `no TLS connection to ${where} (${code}). If it does not speak TLS, its URL begins with http://`
    ]
  }
  // The SDK takes a broken connection for a timeout.
  if (code !== "ECONNRESET" && code !== "EPIPE") {
    if (name === "TimeoutError" || code === "EHOSTUNREACH" || code === "ENETUNREACH") {
      return [
        "unavailable",
        `${where} does not answer (${message}). Look at the network; in a VPC S3 needs a gateway endpoint or a NAT`
      ]
    }
  }
  if (code !== "" && failed.$metadata?.httpStatusCode === undefined) {
    return ["unavailable", `the connection to ${where} broke (${message})`]
  }
  return undefined
}

/** What S3 answered, as far as its code says it. */
const ofCode = (failed: Failed, operation: Operation, settings: Settings): Finding | undefined => {
  const { message, name } = failed
  switch (name) {
    case "NoSuchBucket":
      return [
        "refused",
        `there is no bucket ${nameOf(settings)}. Create it (aws s3 mb s3://${settings.bucket}), or correct its name`
      ]
    case "AccessDenied":
    case "AllAccessDisabled":
    case "AccountProblem":
      return denied(message, operation, settings)
    case "PermanentRedirect":
    case "AuthorizationHeaderMalformed":
    case "IllegalLocationConstraintException":
      return wrongRegion(failed, settings)
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "InvalidToken":
      return ["refused", `${nameOf(settings)} does not accept these credentials (${name}: ${message})`]
    case "ExpiredToken":
    case "TokenRefreshRequired":
      return ["refused", `the credentials for ${nameOf(settings)} have expired. Get new ones (aws sso login)`]
    case "RequestTimeTooSkewed":
      return ["refused", `this machine's clock is wrong by more than 15 minutes: ${message}`]
    case "EntityTooLarge":
    case "QuotaExceeded":
      return ["full", `${nameOf(settings)} has no room for it (${name}: ${message})`]
    case "BadDigest":
    case "InvalidDigest":
    case "XAmzContentChecksumMismatch":
      return ["unavailable", `bytes changed on their way to ${nameOf(settings)} (${name}). Try again`]
    case "NoSuchUpload":
      return [
        "unavailable",
        `the upload was aborted by someone else: the run was removed, or a lifecycle rule ends uploads too soon (${message})`
      ]
    default:
      return undefined
  }
}

/** What is left: the kind of status. */
const ofStatus = (
  { $metadata, message, name }: Failed,
  status: number | undefined,
  operation: Operation,
  settings: Settings
): Finding => {
  const said = `${nameOf(settings)} answered ${status}: ${name}: ${message}`
  if (status === undefined) return ["unavailable", `${nameOf(settings)} gave no answer (${name}: ${message})`]
  if (status === 301 || status === 307) return wrongRegion({ name, message }, settings)
  if (status === 403) return denied(message, operation, settings)
  if (status === 507) return ["full", `there is no room any more: ${said}`]
  if (status === 429 || status >= 500) {
    const tries = $metadata?.attempts === undefined ? "" : ` after ${$metadata.attempts} attempts`
    return [
      "unavailable",
      `it is busy or has trouble${tries}: ${said}. Try again later, or with fewer workers at once`
    ]
  }
  return ["refused", said]
}

const denied = (message: string, operation: Operation, settings: Settings): Finding => [
  "refused",
  `access to ${nameOf(settings)} is denied (${message}). The user or role needs ${RIGHTS[operation].join(", ")} for ` +
    `${settings.bucket} and ${settings.bucket}/${settings.prefix}/*`
]

const wrongRegion = (failed: Failed, settings: Settings): Finding => {
  const region =
    failed.$response?.headers?.["x-amz-bucket-region"] ?? /expecting '([^']+)'/.exec(failed.message)?.[1]
  return [
    "refused",
    `${nameOf(settings)} is in another region. ${
      region === undefined
        ? "Give its own as the option `region` or as AWS_REGION"
        : `Give the option \`region\` or AWS_REGION: ${region}`
    } (${failed.message})`
  ]
}
