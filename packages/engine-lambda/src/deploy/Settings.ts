/**
 * What functions are to be like: options, checked, as settings of Lambda.
 */
import type { FunctionConfiguration } from "@aws-sdk/client-lambda"
import {
  functionName,
  isBaseName,
  isMemorySize,
  MAX_MEMORY_MIB,
  MIN_MEMORY_MIB,
  STORES_VARIABLE
} from "../Naming.ts"
import { InvalidDeployment } from "./DeployErrors.ts"
import type { Arch } from "./Externals.ts"
import type { CarriedStores } from "./Reference.ts"

/** What functions of a deployment have in common. What is left out stays as it is, where there are functions already. */
export interface FunctionOptions {
  /** The ARN of the role that functions have: `arn:aws:iam::123456789012:role/weft`. Needed for the first deployment. */
  readonly role?: string | undefined
  /** How long an invocation may take, in seconds. Default 900, which is the most. */
  readonly timeoutSeconds?: number | undefined
  /** Default `"x64"`. */
  readonly arch?: Arch | undefined
  /** The VPC that functions lie in: that of a store that is not open to the internet. Default: none. */
  readonly vpc?:
    | { readonly subnets: ReadonlyArray<string>; readonly securityGroups: ReadonlyArray<string> }
    | undefined
  /** Environment variables, besides those of weft. */
  readonly environment?: Readonly<Record<string, string>> | undefined
}

/** The tag that says of which deployment a function is. */
export const TAG = "weft"
export const RUNTIME = "nodejs24.x"
export const HANDLER = "index.handler"
const MOST_SECONDS = 900
/** Events that nobody has worked on are of no use any more: leases have seen to that. The least that Lambda takes. */
export const EVENT_AGE_SECONDS = 60
/** Stands for a role that is made together with the functions. */
export const NO_ROLE = "arn:aws:iam::000000000000:role/none"

/** Settings of one function. */
export interface Wanted {
  readonly name: string
  readonly base: string
  readonly memoryMiB: number
  readonly role: string
  readonly timeoutSeconds: number
  readonly architecture: "x86_64" | "arm64"
  readonly description: string
  readonly variables: Readonly<Record<string, string>>
  readonly subnets: ReadonlyArray<string>
  readonly securityGroups: ReadonlyArray<string>
}

/**
 * The options, with what a function that is there says about what they leave out.
 *
 * @throws {InvalidDeployment} if none says which role
 */
export const complete = (options: FunctionOptions, is: FunctionConfiguration | undefined): Complete => {
  const { [STORES_VARIABLE]: _, ...variables } = is?.Environment?.Variables ?? {}
  const { SecurityGroupIds = [], SubnetIds = [] } = is?.VpcConfig ?? {}
  return {
    role: checkRole(options.role ?? is?.Role),
    timeoutSeconds: options.timeoutSeconds ?? is?.Timeout ?? MOST_SECONDS,
    arch: options.arch ?? archOf(is),
    subnets: options.vpc?.subnets ?? SubnetIds,
    securityGroups: options.vpc?.securityGroups ?? SecurityGroupIds,
    environment: options.environment ?? variables
  }
}

/** Options without gaps. */
export interface Complete {
  readonly role: string
  readonly timeoutSeconds: number
  readonly arch: Arch
  readonly subnets: ReadonlyArray<string>
  readonly securityGroups: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
}

const archOf = (is: FunctionConfiguration | undefined): Arch =>
  is?.Architectures?.[0] === "arm64" ? "arm64" : "x64"

/** @throws {InvalidDeployment} if Lambda would refuse it */
export const check = (base: string, memory: ReadonlyArray<number>, options: FunctionOptions): void => {
  const invalid = (about: string, problem: string) => new InvalidDeployment({ about, problem })
  if (!isBaseName(base)) {
    throw invalid("name", `"${base}" cannot be the name of functions: use up to 58 letters, digits, - and _`)
  }
  const impossible = memory.filter((size) => !isMemorySize(size))
  if (impossible.length > 0) {
    throw invalid(
      "memory",
      `a function cannot have ${impossible.join(", ")} MiB of memory: it has a whole number between ${MIN_MEMORY_MIB} and ${MAX_MEMORY_MIB}`
    )
  }
  if (options.role !== undefined) checkRole(options.role)
  if (memory.length === 0) throw invalid("memory", "no memory size is chosen: there is a function for each")
  const { environment = {}, timeoutSeconds = MOST_SECONDS, vpc } = options
  if (!(Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= MOST_SECONDS)) {
    throw invalid("timeout", `an invocation takes 1 to ${MOST_SECONDS} seconds, not ${timeoutSeconds}`)
  }
  if (vpc !== undefined && (vpc.subnets.length === 0 || vpc.securityGroups.length === 0)) {
    throw invalid("vpc", "functions in a VPC need both: at least one --subnet and one --security-group")
  }
  const reserved = Object.keys(environment).find(
    (name) => name === STORES_VARIABLE || !/^[A-Za-z]\w+$/.test(name)
  )
  if (reserved !== undefined) {
    throw invalid(
      "environment",
      `there cannot be an environment variable ${reserved}: it is weft's own, or no name`
    )
  }
}

const checkRole = (role: string | undefined): string => {
  if (role !== undefined && /^arn:aws[\w-]*:iam::\d{12}:role\/.+/.test(role)) return role
  const what =
    role === undefined || role === ""
      ? "the functions need a role"
      : `"${role}" is not the ARN of a role, which looks like arn:aws:iam::123456789012:role/${/^[\w+=,.@-]+$/.test(role) ? role : "weft"}`
  throw new InvalidDeployment({
    about: "role",
    problem:
      `${what}. Name it with --role, or in WEFT_LAMBDA_ROLE; \`aws iam get-role --role-name NAME --query Role.Arn\` tells ` +
      "the ARN. `weft deploy FILE --policy` prints what the role has to allow"
  })
}

/** The settings of the function of one size. */
export const wanted = (
  base: string,
  workflow: string,
  memoryMiB: number,
  { arch, environment, ...options }: Complete,
  { reference }: CarriedStores
): Wanted => ({
  ...options,
  name: functionName(base, memoryMiB),
  base,
  memoryMiB,
  architecture: arch === "arm64" ? "arm64" : "x86_64",
  description: `weft: workers of ${workflow}`,
  variables: { ...environment, [STORES_VARIABLE]: JSON.stringify(reference) }
})

/** The settings as Lambda takes them. */
export const configurationOf = (wanted: Wanted) => ({
  Runtime: RUNTIME as typeof RUNTIME,
  Handler: HANDLER,
  Role: wanted.role,
  Description: wanted.description,
  Timeout: wanted.timeoutSeconds,
  MemorySize: wanted.memoryMiB,
  Environment: { Variables: { ...wanted.variables } },
  VpcConfig: { SubnetIds: [...wanted.subnets], SecurityGroupIds: [...wanted.securityGroups] }
})

/** Whether a function has these settings already. */
export const isLike = (wanted: Wanted, is: FunctionConfiguration): boolean => {
  const sorted = (list: ReadonlyArray<string> = []) => [...list].sort().join()
  const entries = (variables: Readonly<Record<string, string>> = {}) =>
    JSON.stringify(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)))
  return (
    is.Runtime === RUNTIME &&
    is.Handler === HANDLER &&
    is.Role === wanted.role &&
    (is.Description ?? "") === wanted.description &&
    is.Timeout === wanted.timeoutSeconds &&
    is.MemorySize === wanted.memoryMiB &&
    (is.Architectures?.[0] ?? "x86_64") === wanted.architecture &&
    entries(is.Environment?.Variables) === entries(wanted.variables) &&
    sorted(is.VpcConfig?.SubnetIds) === sorted(wanted.subnets) &&
    sorted(is.VpcConfig?.SecurityGroupIds) === sorted(wanted.securityGroups)
  )
}
