/**
 * What a function is configured with: read from requests, checked as AWS checks it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ApiError, invalid, refused } from "../ApiError.ts"

/** A function's settings, complete. They never change: an update makes another object. */
export interface Configuration {
  readonly runtime: string
  readonly role: string
  /** `file.export` */
  readonly handler: string
  readonly description: string
  readonly timeoutSeconds: number
  readonly memoryMiB: number
  readonly variables: Readonly<Record<string, string>>
  /** ARNs of layers' versions, in the order in which they lie over each other. */
  readonly layers: ReadonlyArray<string>
  readonly architecture: "x86_64" | "arm64"
  readonly storageMiB: number
  readonly tracing: "Active" | "PassThrough"
  readonly logFormat: "JSON" | "Text"
  readonly logGroup: string
  /** Where events go that failed, without a record of why. */
  readonly deadLetterArn: string | undefined
}

const common = {
  Role: Schema.optional(Schema.String),
  Handler: Schema.optional(Schema.String),
  Description: Schema.optional(Schema.String),
  Timeout: Schema.optional(Schema.Number),
  MemorySize: Schema.optional(Schema.Number),
  Environment: Schema.optional(
    Schema.Struct({ Variables: Schema.optional(Schema.Record(Schema.String, Schema.String)) })
  ),
  Runtime: Schema.optional(Schema.String),
  Layers: Schema.optional(Schema.Array(Schema.String)),
  EphemeralStorage: Schema.optional(Schema.Struct({ Size: Schema.Number })),
  TracingConfig: Schema.optional(
    Schema.Struct({ Mode: Schema.optional(Schema.Literals(["Active", "PassThrough"])) })
  ),
  LoggingConfig: Schema.optional(
    Schema.Struct({
      LogFormat: Schema.optional(Schema.Literals(["JSON", "Text"])),
      LogGroup: Schema.optional(Schema.String)
    })
  ),
  DeadLetterConfig: Schema.optional(Schema.Struct({ TargetArn: Schema.optional(Schema.String) }))
}

const architectures = Schema.optional(Schema.Array(Schema.Literals(["x86_64", "arm64"])))

/** Where a function's code is. */
export const CodeInput = Schema.Struct({
  ZipFile: Schema.optional(Schema.String),
  S3Bucket: Schema.optional(Schema.String),
  S3Key: Schema.optional(Schema.String),
  S3ObjectVersion: Schema.optional(Schema.String),
  ImageUri: Schema.optional(Schema.String)
})
export type CodeInput = typeof CodeInput.Type

/** The body of CreateFunction. */
export const CreateInput = Schema.Struct({
  ...common,
  FunctionName: Schema.String,
  Code: CodeInput,
  Publish: Schema.optional(Schema.Boolean),
  PackageType: Schema.optional(Schema.Literals(["Zip", "Image"])),
  Architectures: architectures,
  Tags: Schema.optional(Schema.Record(Schema.String, Schema.String))
})

/** The body of UpdateFunctionConfiguration. */
export const UpdateInput = Schema.Struct({ ...common, RevisionId: Schema.optional(Schema.String) })
type UpdateInput = typeof UpdateInput.Type

/** The body of UpdateFunctionCode. */
export const UpdateCodeInput = Schema.Struct({
  ...CodeInput.fields,
  Architectures: architectures,
  Publish: Schema.optional(Schema.Boolean),
  DryRun: Schema.optional(Schema.Boolean),
  RevisionId: Schema.optional(Schema.String)
})

/** What a new function has that says nothing else. */
export const initial = (name: string): Configuration => ({
  runtime: "",
  role: "",
  handler: "",
  description: "",
  timeoutSeconds: 3,
  memoryMiB: 128,
  variables: {},
  layers: [],
  architecture: "x86_64",
  storageMiB: 512,
  tracing: "PassThrough",
  logFormat: "Text",
  logGroup: `/aws/lambda/${name}`,
  deadLetterArn: undefined
})

/** The configuration with what a request changes, checked. */
export const change = (
  before: Configuration,
  input: UpdateInput,
  roles: ReadonlyArray<string> | undefined
): Effect.Effect<Configuration, ApiError> => {
  const after: Configuration = {
    ...before,
    runtime: input.Runtime ?? before.runtime,
    role: input.Role ?? before.role,
    handler: input.Handler ?? before.handler,
    description: input.Description ?? before.description,
    timeoutSeconds: input.Timeout ?? before.timeoutSeconds,
    memoryMiB: input.MemorySize ?? before.memoryMiB,
    variables: input.Environment === undefined ? before.variables : (input.Environment.Variables ?? {}),
    layers: input.Layers ?? before.layers,
    storageMiB: input.EphemeralStorage?.Size ?? before.storageMiB,
    tracing: input.TracingConfig?.Mode ?? before.tracing,
    logFormat: input.LoggingConfig?.LogFormat ?? before.logFormat,
    logGroup: input.LoggingConfig?.LogGroup ?? before.logGroup,
    // An empty name takes it away.
    deadLetterArn:
      input.DeadLetterConfig === undefined
        ? before.deadLetterArn
        : input.DeadLetterConfig.TargetArn || undefined
  }
  const error = problem(after, roles)
  return error === undefined ? Effect.succeed(after) : Effect.fail(error)
}

/** What is wrong with a configuration, in the words of AWS where they are known. */
const problem = (
  configuration: Configuration,
  roles: ReadonlyArray<string> | undefined
): ApiError | undefined => {
  const { description, handler, layers, memoryMiB, role, runtime, storageMiB, timeoutSeconds } = configuration
  const outside = (name: string, value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : invalid(
          `'${name}' value failed to satisfy constraint: Member must have value ` +
            `${value < least ? `greater than or equal to ${least}` : value > most ? `less than or equal to ${most}` : "that is a whole number"}`
        )
  if (role === "") {
    return invalid(
      "1 validation error detected: Value at 'role' failed to satisfy constraint: Member must not be null"
    )
  }
  if (!/^arn:aws[a-zA-Z-]*:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/.test(role)) {
    return invalid(
      `1 validation error detected: Value '${role}' at 'role' failed to satisfy constraint: Member must satisfy ` +
        "regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"
    )
  }
  if (roles !== undefined && !roles.includes(role)) {
    return invalid("The role defined for the function cannot be assumed by Lambda.")
  }
  if (runtime === "")
    return invalid("Runtime and Handler are mandatory parameters for functions of a zip file.")
  if (!/^nodejs\d+\.x$/.test(runtime)) {
    return invalid(
      `Value ${runtime} at 'runtime' failed to satisfy constraint: this local service runs Node.js functions only (nodejs24.x)`
    )
  }
  // As Node.js runtimes read it: a path, a dot, and an export, of an object if there are more dots.
  if (!/^[^\s.][^\s]{0,126}\.[^\s./]+$/.test(handler) || handler.length > 128) {
    return invalid(
      `1 validation error detected: Value '${handler}' at 'handler' failed to satisfy constraint: a file and an export, such as index.handler`
    )
  }
  if (description.length > 256) {
    return invalid(
      "'Description' value failed to satisfy constraint: Member must have length less than or equal to 256"
    )
  }
  if (layers.length > 5) return invalid("'Layers' may not have more than 5 members")
  return (
    outside("MemorySize", memoryMiB, 128, 10_240) ??
    outside("Timeout", timeoutSeconds, 1, 900) ??
    outside("EphemeralStorage", storageMiB, 512, 10_240) ??
    variablesProblem(configuration.variables)
  )
}

/** Set by Lambda itself. */
const reserved: ReadonlySet<string> = new Set([
  "_HANDLER",
  "_X_AMZN_TRACE_ID",
  "AWS_DEFAULT_REGION",
  "AWS_REGION",
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "LAMBDA_TASK_ROOT",
  "LAMBDA_RUNTIME_DIR"
])

const MOST_VARIABLES_BYTES = 4096

const variablesProblem = (variables: Readonly<Record<string, string>>): ApiError | undefined => {
  const names = Object.keys(variables)
  const taken = names.filter((name) => reserved.has(name))
  if (taken.length > 0) {
    return invalid(
      "Lambda was unable to configure your environment variables because the environment variables you have provided " +
        "contains reserved keys that are currently not supported for modification. " +
        `Reserved keys used in this request: ${taken.join(", ")}`
    )
  }
  const wrong = names.find((name) => !/^[a-zA-Z]\w+$/.test(name))
  if (wrong !== undefined) {
    return invalid(`'${wrong}' is no name for an environment variable: a letter, then letters, digits and _`)
  }
  const bytes = Buffer.byteLength(JSON.stringify(variables))
  if (bytes <= MOST_VARIABLES_BYTES) return
  return invalid(
    "Lambda was unable to configure your environment variables because the environment variables you have provided " +
      `exceeded the 4KB limit: they have ${bytes} bytes`
  )
}

/** Reads a request's body. */
export const decode = <A>(schema: Schema.Codec<A, unknown>, body: Uint8Array): Effect.Effect<A, ApiError> =>
  Effect.try({
    try: (): unknown => (body.byteLength === 0 ? {} : JSON.parse(Buffer.from(body).toString())),
    catch: () => refused("SerializationException", "Could not parse request body into json.")
  }).pipe(
    Effect.flatMap((json) =>
      // What SDKs send as null is not there.
      Schema.decodeUnknownEffect(schema)(withoutNulls(json)).pipe(
        Effect.mapError((error) => invalid(error.message))
      )
    )
  )

const withoutNulls = (json: unknown): unknown =>
  typeof json === "object" && json !== null && !Array.isArray(json)
    ? Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
    : json
