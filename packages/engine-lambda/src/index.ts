/**
 * `@weft/engine-lambda`: the engine `lambda`.
 */

export { type LambdaOptions, lambda } from "./Lambda.ts"
export { LambdaError, type LambdaErrorReason } from "./LambdaError.ts"
export * as Naming from "./Naming.ts"
