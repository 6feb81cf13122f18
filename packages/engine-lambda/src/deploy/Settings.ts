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

/** What functions of a deployment have in common. */
export interface FunctionOptions {
  /** The ARN of the role that functions have: `arn:aws:iam::123456789012:role/weft`. */
  readonly role: string
  /** How many MiB functions have: one function for each. */
  readonly memory: ReadonlyArray<number>
  /** How long an invocation may take, in seconds. Default 900, which is the most. */
  readonly timeoutSeconds?: number
  /** Default `"x64"`. */
  readonly arch?: Arch
  /** The VPC that functions lie in: that of a store that is not open to the internet. Default: none. */
  readonly vpc?: { readonly subnets: ReadonlyArray<string>; readonly securityGroups: ReadonlyArray<string> }
  /** Environment variables, besides those of weft. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The tag that says of which deployment a function is. */
export const TAG = "weft"
export const RUNTIME = "nodejs24.x"
export const HANDLER = "index.handler"
const MOST_SECONDS = 900

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

/** @throws {InvalidDeployment} if Lambda would refuse it */
export const check = (base: string, options: Omit<FunctionOptions, "role">): void => {
  const invalid = (about: string, problem: string) => new InvalidDeployment({ about, problem })
  if (!isBaseName(base)) {
    throw invalid("name", `"${base}" cannot be the name of functions: use up to 58 letters, digits, - and _`)
  }
  const impossible = options.memory.filter((size) => !isMemorySize(size))
  if (impossible.length > 0) {
    throw invalid(
      "memory",
      `a function cannot have ${impossible.join(", ")} MiB of memory: it has a whole number between ${MIN_MEMORY_MIB} and ${MAX_MEMORY_MIB}`
    )
  }
  if (options.memory.length === 0)
    throw invalid("memory", "no memory size is chosen: there is a function for each")
  const { environment = {}, timeoutSeconds = MOST_SECONDS, vpc } = options
  if (!(Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= MOST_SECONDS)) {
    throw invalid("timeout", `an invocation takes 1 to ${MOST_SECONDS} seconds, not ${timeoutSeconds}`)
  }
  if (vpc !== undefined && (vpc.subnets.length === 0 || vpc.securityGroups.length === 0)) {
    throw invalid("vpc", "functions in a VPC need both: at least one --subnet and one --security-group")
  }
  const reserved = Object.keys(environment).find(
    (name) => name === STORES_VARIABLE || !/^[A-Za-z]\w*$/.test(name)
  )
  if (reserved !== undefined) {
    throw invalid(
      "environment",
      `there cannot be an environment variable ${reserved}: it is weft's own, or no name`
    )
  }
}

/** @throws {InvalidDeployment} if it is no role's ARN */
export const checkRole = (role: string | undefined): string => {
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
  options: FunctionOptions,
  { reference }: CarriedStores
): Wanted => ({
  name: functionName(base, memoryMiB),
  base,
  memoryMiB,
  role: options.role,
  timeoutSeconds: options.timeoutSeconds ?? MOST_SECONDS,
  architecture: options.arch === "arm64" ? "arm64" : "x86_64",
  description: `weft: workers of ${workflow}`,
  variables: { ...options.environment, [STORES_VARIABLE]: JSON.stringify(reference) },
  subnets: options.vpc?.subnets ?? [],
  securityGroups: options.vpc?.securityGroups ?? []
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
