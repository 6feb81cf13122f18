/** What Lambda says of an invocation, as far as it is of use here. */
export interface LambdaContext {
  /** How long the invocation may go on, in ms. */
  readonly getRemainingTimeInMillis: () => number
}
