/** What ended a worker, or an engine, in words. */
import { StoreError } from "@weft/storage"
import * as Cause from "effect/Cause"
import { EngineError } from "../Engine.ts"

/** What is expected to go wrong without a stack, what is not with one. */
export const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof StoreError || error instanceof EngineError ? error.message : Cause.pretty(cause)
}
