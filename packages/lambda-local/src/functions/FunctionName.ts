/**
 * How requests name functions: by name, partial ARN or ARN, each with or without a qualifier.
 */
import * as Effect from "effect/Effect"
import { type ApiError, invalid, notFound, refused } from "../ApiError.ts"

/** Where the service pretends to be. */
export interface Place {
  readonly region: string
  /** Twelve digits. */
  readonly account: string
}

/** A function that a request names. */
export interface FunctionReference {
  readonly name: string
  /** A version, an alias or `$LATEST`. */
  readonly qualifier: string | undefined
}

const form =
  /^(?:(?:arn:aws[a-z-]*:lambda:)?(?:(?<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?<account>\d{12}):)?function:)?(?<name>[A-Za-z0-9_-]{1,64})(?::(?<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?$/

/**
 * Reads what the path names, and the query's qualifier.
 *
 * @param given - not URL-encoded any more
 */
export const parse = (
  given: string,
  qualifier: string | undefined,
  place: Place
): Effect.Effect<FunctionReference, ApiError> => {
  const groups = form.exec(given)?.groups
  if (groups === undefined) {
    return Effect.fail(
      invalid(
        `Value '${given}' at 'functionName' is no function's name (letters, digits, - and _, at most 64), nor an ARN of one`
      )
    )
  }
  const { account = place.account, name, qualifier: inName, region = place.region } = groups
  if (region !== place.region) {
    return Effect.fail(
      notFound(`Functions from '${region}' are not reachable in this region ('${place.region}')`)
    )
  }
  if (account !== place.account) {
    return Effect.fail(
      refused("AccessDeniedException", `Account ${place.account} may not use functions of account ${account}`)
    )
  }
  if (qualifier !== undefined && !/^(\$LATEST|[A-Za-z0-9_-]{1,128})$/.test(qualifier)) {
    return Effect.fail(invalid(`Value '${qualifier}' at 'qualifier' is no version, alias or $LATEST`))
  }
  if (inName !== undefined && qualifier !== undefined && inName !== qualifier) {
    return Effect.fail(
      invalid("The derived qualifier from the function name does not match the specified qualifier.")
    )
  }
  return Effect.succeed({ name: name!, qualifier: qualifier ?? inName })
}

/** A function's ARN, of one version or alias if a qualifier is given. */
export const arnOf = ({ account, region }: Place, name: string, qualifier?: string): string =>
  `arn:aws:lambda:${region}:${account}:function:${name}${qualifier === undefined ? "" : `:${qualifier}`}`
