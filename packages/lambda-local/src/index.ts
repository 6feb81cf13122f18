/**
 * `@weft/lambda-local`: a local service that speaks the AWS Lambda API and runs functions as processes.
 */
export { ListenError } from "./api/Server.ts"
export { type LambdaLocal, startLambda } from "./LambdaLocal.ts"
export { type Delay, type Faults, InvalidOption, type LambdaOptions } from "./Options.ts"
export type {
  Destined,
  EventCondition,
  FaultName,
  InvocationError,
  InvocationRecord,
  Lost,
  Report,
  Totals
} from "./Report.ts"
