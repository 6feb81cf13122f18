/**
 * Functions and their parts as the API tells of them.
 */
import { arnOf, type Place } from "./FunctionName.ts"
import { type Alias, type EventInvokeConfig, type FunctionVersion, LATEST } from "./Registry.ts"

/**
 * A version, as FunctionConfiguration.
 *
 * @param qualifier - what its ARN ends with; `undefined` for none
 */
export const describeVersion = (
  place: Place,
  { code, configuration, functionName, modified, revisionId, version }: FunctionVersion,
  qualifier: string | undefined
) => ({
  FunctionName: functionName,
  FunctionArn: arnOf(place, functionName, qualifier),
  Runtime: configuration.runtime,
  Role: configuration.role,
  Handler: configuration.handler,
  CodeSize: code.size,
  Description: configuration.description,
  Timeout: configuration.timeoutSeconds,
  MemorySize: configuration.memoryMiB,
  LastModified: modified.toISOString().replace("Z", "+0000"),
  CodeSha256: code.sha256,
  Version: version,
  ...(Object.keys(configuration.variables).length > 0 && {
    Environment: { Variables: configuration.variables }
  }),
  ...(configuration.deadLetterArn !== undefined && {
    DeadLetterConfig: { TargetArn: configuration.deadLetterArn }
  }),
  TracingConfig: { Mode: configuration.tracing },
  RevisionId: revisionId,
  ...(configuration.layers.length > 0 && { Layers: configuration.layers.map((Arn) => ({ Arn })) }),
  State: "Active",
  LastUpdateStatus: "Successful",
  PackageType: "Zip",
  Architectures: [configuration.architecture],
  EphemeralStorage: { Size: configuration.storageMiB },
  SnapStart: { ApplyOn: "None", OptimizationStatus: "Off" },
  LoggingConfig: { LogFormat: configuration.logFormat, LogGroup: configuration.logGroup }
})

/** A version, with its ARN as lists of versions have it. */
export const describeQualified = (place: Place, version: FunctionVersion) =>
  describeVersion(place, version, version.version)

/** A version, as an update of it answers: without qualifier if it is `$LATEST`. */
export const describeUpdated = (place: Place, version: FunctionVersion) =>
  describeVersion(place, version, version.version === LATEST ? undefined : version.version)

/** An alias, as AliasConfiguration. */
export const describeAlias = (place: Place, functionName: string, alias: Alias) => ({
  AliasArn: arnOf(place, functionName, alias.name),
  Name: alias.name,
  FunctionVersion: alias.version,
  Description: alias.description,
  ...(Object.keys(alias.weights).length > 0 && {
    RoutingConfig: { AdditionalVersionWeights: alias.weights }
  }),
  RevisionId: alias.revisionId
})

/** What becomes of events, as FunctionEventInvokeConfig. */
export const describeEventInvoke = (arn: string, config: EventInvokeConfig) => ({
  LastModified: config.modified.getTime() / 1000,
  FunctionArn: arn,
  ...(config.maximumRetryAttempts !== undefined && { MaximumRetryAttempts: config.maximumRetryAttempts }),
  ...(config.maximumEventAgeSeconds !== undefined && {
    MaximumEventAgeInSeconds: config.maximumEventAgeSeconds
  }),
  DestinationConfig: {
    OnSuccess: config.onSuccessArn === undefined ? {} : { Destination: config.onSuccessArn },
    OnFailure: config.onFailureArn === undefined ? {} : { Destination: config.onFailureArn }
  }
})
