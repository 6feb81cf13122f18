/** What workers need of the AWS SDK, and no more: a bundle has it in a file of its own, which is loaded when it is needed. */
export { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda"
