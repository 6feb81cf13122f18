/** Errors as they are reported and logged. */

/** As JSON has it for the caller of the function. */
export const describeError = (error) =>
  error instanceof Error
    ? {
        errorType: String(error.name),
        errorMessage: String(error.message),
        trace: typeof error.stack === "string" ? error.stack.split("\n") : []
      }
    : { errorType: typeof error, errorMessage: String(error), trace: [] }

/** As one line of the log has it, after its title: with all that the error and its causes carry. */
export const loggedError = (error) => {
  const whole = error instanceof Error ? error : new Error(String(error))
  try {
    return `\t${JSON.stringify(whole, (_, value) => (value instanceof Error ? withProperties(value) : value))}`
  } catch {
    // It refers to itself, or has a bigint.
    return `\t${JSON.stringify(describeError(whole))}`
  }
}

const withProperties = (error) => ({
  errorType: error.name,
  errorMessage: error.message,
  code: error.code,
  ...error,
  ...(typeof error.stack === "string" && { stack: error.stack.split("\n") })
})
