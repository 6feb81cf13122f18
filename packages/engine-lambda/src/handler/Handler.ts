/** The function's handler: what Lambda calls with each event. */
import { Stores } from "@weft/storage"
import type { Bundle } from "./Bundle.ts"

/** What Lambda says of an invocation, as far as it is of use here. */
export interface LambdaContext {
  readonly awsRequestId: string
  /** How long the invocation may go on, in ms. */
  readonly getRemainingTimeInMillis: () => number
}

export type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>

/**
 * Makes the handler of a bundle, and imports the bundle's code: while a function starts, it has a whole core, whatever its
 * size.
 */
export const makeHandler = async (bundle: Bundle): Promise<Handler> => {
  Stores.carry(bundle.adapters)
  return async () => undefined
}
