/** What a handler is told beside its event. */

const json = (name, text) => {
  if (!text) return undefined
  try {
    // Node.js reads headers as latin1.
    return JSON.parse(Buffer.from(text, "latin1").toString())
  } catch (error) {
    throw Object.assign(new Error(`Failed to parse ${name} as JSON: ${error.message}`), {
      name: "Runtime.PlatformError"
    })
  }
}

/** Also sets the variable that the SDK hands its trace on from. */
export const contextOf = (headers) => {
  const deadline = Number(headers["lambda-runtime-deadline-ms"])
  const trace = headers["lambda-runtime-trace-id"]
  if (trace === undefined) delete process.env._X_AMZN_TRACE_ID
  else process.env._X_AMZN_TRACE_ID = trace
  return {
    clientContext: json("lambda-runtime-client-context", headers["lambda-runtime-client-context"]),
    identity: json("lambda-runtime-cognito-identity", headers["lambda-runtime-cognito-identity"]),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    xRayTraceId: trace,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME
  }
}
