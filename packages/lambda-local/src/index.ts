/**
 * `@weft/lambda-local`: a local service that speaks the AWS Lambda API and runs functions as processes.
 */
export {}
