/**
 * What runs cost: prices as data, and how usage becomes money.
 *
 * AWS Lambda on demand, us-east-1, first tier, without the free tier, as published on 2025-11-01
 * (https://aws.amazon.com/lambda/pricing/); Amazon S3 Standard in the same region (https://aws.amazon.com/s3/pricing/).
 * Redis or Valkey on a node of one's own costs nothing for each request.
 */

/** Prices, in US dollars. */
export interface Prices {
  readonly name: string
  /** When they were valid. */
  readonly date: string
  readonly gbSecond: number
  /** One invocation. */
  readonly invocation: number
  /** One object read, and one written. */
  readonly objectRead: number
  readonly objectWrite: number
}

const S3 = { objectRead: 0.0000004, objectWrite: 0.000005 } as const

/** By processor architecture. */
export const LAMBDA: Readonly<Record<"x86" | "arm", Prices>> = {
  x86: { name: "AWS Lambda x86", date: "2025-11-01", gbSecond: 0.0000166667, invocation: 0.0000002, ...S3 },
  arm: { name: "AWS Lambda arm", date: "2025-11-01", gbSecond: 0.0000133334, invocation: 0.0000002, ...S3 }
}

/** What is paid for. */
export interface Usage {
  readonly gbSeconds: number
  readonly invocations: number
  readonly objectReads: number
  readonly objectWrites: number
}

/** What usage costs, in US dollars. */
export const cost = (prices: Prices, { gbSeconds, invocations, objectReads, objectWrites }: Usage): number =>
  gbSeconds * prices.gbSecond +
  invocations * prices.invocation +
  objectReads * prices.objectRead +
  objectWrites * prices.objectWrite
