/** The variables of an environment's process, complete: of this process it gets only the PATH. */
import { randomBytes } from "node:crypto"
import { delimiter, join } from "node:path"
import type { EnvironmentSettings } from "./Settings.ts"

/** As AWS names them: the day, the version, and a random number. */
export const makeLogStreamName = (version: string): string => {
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/")
  return `${day}/[${version}]${randomBytes(16).toString("hex")}`
}

export interface Places {
  /** Of the Runtime API. */
  readonly address: string
  /** Only this environment writes there: what /tmp is on AWS. */
  readonly temporary: string
  /** Where the runtime's own files are. */
  readonly runtime: string
  readonly logStreamName: string
}

/** The user's variables cannot replace those that AWS reserves. */
export const variablesOf = (
  settings: EnvironmentSettings,
  { address, logStreamName, runtime, temporary }: Places
): Record<string, string> => {
  const { codeFolder, functionName, layersFolder, memoryMiB, region, variables, version } = settings
  const modules = [
    ...(layersFolder === undefined
      ? []
      : [join(layersFolder, "nodejs/node24/node_modules"), join(layersFolder, "nodejs/node_modules")]),
    codeFolder
  ]
  const programs = [
    ...(process.env.PATH === undefined ? [] : [process.env.PATH]),
    ...(layersFolder === undefined ? [] : [join(layersFolder, "bin")])
  ]
  return {
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    PATH: programs.join(delimiter),
    NODE_PATH: modules.join(delimiter),
    HOME: temporary,
    TMPDIR: temporary,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...(layersFolder !== undefined && { LD_LIBRARY_PATH: join(layersFolder, "lib") }),
    ...variables,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMiB),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
    AWS_LAMBDA_RUNTIME_API: address,
    LAMBDA_RUNTIME_DIR: runtime,
    LAMBDA_TASK_ROOT: codeFolder,
    _HANDLER: settings.handler
  }
}
