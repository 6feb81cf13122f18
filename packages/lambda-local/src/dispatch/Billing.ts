/**
 * What an invocation costs, and the line that Lambda writes about it.
 */
import type { Done } from "../environment/Environment.ts"

/** US dollars: us-east-1, first tier, without the free one. */
const PER_REQUEST = 0.2 / 1e6
const PER_GB_SECOND = { x86_64: 0.000_016_666_7, arm64: 0.000_013_333_4 } as const

/** What is paid for. */
export interface Bill {
  /** Whole milliseconds: the invocation and, since August 2025, the initialisation that it waited for. */
  readonly billedMs: number
  readonly gbSeconds: number
  readonly usd: number
}

/** What an invocation costs. */
export const billOf = (
  { durationMs, initMs }: Pick<Done, "durationMs" | "initMs">,
  memoryMiB: number,
  architecture: "x86_64" | "arm64"
): Bill => {
  const billedMs = Math.max(1, Math.ceil(durationMs + (initMs ?? 0)))
  const gbSeconds = (memoryMiB / 1024) * (billedMs / 1000)
  return { billedMs, gbSeconds, usd: PER_REQUEST + gbSeconds * PER_GB_SECOND[architecture] }
}

/** The REPORT line. */
export const reportLine = (
  requestId: string,
  { durationMs, initMs, maxMemoryMiB, outcome }: Done,
  memoryMiB: number,
  { billedMs }: Bill
): string => {
  const fields = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billedMs} ms`,
    `Memory Size: ${memoryMiB} MB`,
    `Max Memory Used: ${Math.round(maxMemoryMiB)} MB`
  ]
  if (initMs !== undefined) fields.push(`Init Duration: ${initMs.toFixed(2)} ms`)
  if (outcome.type === "error" && outcome.unhandled) {
    const isTimeout = outcome.errorType === "Sandbox.Timedout"
    fields.push(`Status: ${isTimeout ? "timeout" : "error"}`)
    if (!isTimeout) fields.push(`Error Type: ${outcome.errorType}`)
  }
  return `${fields.join("\t")}\t\n`
}
