/**
 * The flags of AWS Lambda, and the engine that they mean.
 */
import type { Engine } from "@weft/worker"
import * as Config from "effect/Config"
import { Flag } from "effect/cli"
import * as Option from "effect/Option"
import type { EngineName } from "../internal/Engines.ts"

/** Which deployment, and where, for every command that has to do with functions. */
export const deploymentFlags = {
  name: Flag.String("name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      "What the functions on Lambda are called, before their size (default: weft-WORKFLOW)"
    ),
    Flag.optional
  ),
  region: Flag.String("region").pipe(
    Flag.withMetavar("REGION"),
    Flag.withDescription("The AWS region (default: AWS_REGION, else the profile's)"),
    Flag.optional
  )
}

/** `--role`, for every command that deploys. */
export const role = Flag.String("role").pipe(
  Flag.withMetavar("ARN"),
  Flag.withDescription(
    "The role that functions have (default: WEFT_LAMBDA_ROLE, else as it is); needed for the first deployment"
  ),
  Flag.withFallbackConfig(Config.String("WEFT_LAMBDA_ROLE")),
  Flag.optional
)

/** What the flags of {@link deploymentFlags} were given. */
export interface DeploymentGiven {
  readonly name: Option.Option<string>
  readonly region: Option.Option<string>
}

/** Only what was said. */
export const deploymentOf = ({ name, region }: DeploymentGiven) => ({
  ...(Option.isSome(name) ? { name: name.value } : {}),
  ...(Option.isSome(region) ? { region: region.value } : {})
})

/** The engine with its options, where it has some. */
export const engineOf = async (
  engine: EngineName,
  concurrency: number | undefined,
  given: DeploymentGiven
): Promise<EngineName | Engine> => {
  if (engine !== "lambda") return engine
  const { lambda } = await import("@weft/engine-lambda")
  return lambda({ ...deploymentOf(given), ...(concurrency === undefined ? {} : { concurrency }) })
}
