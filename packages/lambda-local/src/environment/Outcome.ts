/** The words of AWS for what came of an invocation, where the function did not say so itself. */
import type { Outcome } from "./Invocation.ts"

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The most that a response may have, in bytes: 6 MB and 100 bytes, which AWS adds. */
export const RESPONSE_LIMIT_BYTES = 6_291_556

const SIGNALS: Partial<Readonly<Record<NodeJS.Signals, string>>> = {
  SIGABRT: "aborted (core dumped)",
  SIGBUS: "bus error (core dumped)",
  SIGFPE: "floating point exception (core dumped)",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction (core dumped)",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGQUIT: "quit (core dumped)",
  SIGSEGV: "segmentation fault (core dumped)",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap (core dumped)"
}

/** An error that the platform reports in the function's place. */
const failed = (errorType: string, errorMessage: string): Outcome => ({
  type: "error",
  payload: Buffer.from(JSON.stringify({ errorType, errorMessage })),
  errorType,
  unhandled: true
})

export const timedOut = (requestId: string, timeoutMs: number): Outcome =>
  failed(
    "Sandbox.Timedout",
    `RequestId: ${requestId} Error: Task timed out after ${seconds(timeoutMs)} seconds`
  )

/** What the log says of it. */
export const timedOutLine = (requestId: string, timeoutMs: number): string =>
  `${new Date().toISOString()} ${requestId} Task timed out after ${seconds(timeoutMs)} seconds\n`

const seconds = (ms: number): string => (ms / 1000).toFixed(2)

/** Why a runtime's process has ended, as AWS says it. */
const describeExit = ({ code, signal }: Exit): string => {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNALS[signal] ?? signal}`
  return code === 0
    ? "Runtime exited without providing a reason"
    : `Runtime exited with error: exit status ${code}`
}

export const exited = (requestId: string, exit: Exit): Outcome =>
  failed("Runtime.ExitError", `RequestId: ${requestId} Error: ${describeExit(exit)}`)

export const outOfMemory = (requestId: string): Outcome =>
  failed(
    "Runtime.OutOfMemory",
    `RequestId: ${requestId} Error: ${describeExit({ code: null, signal: "SIGKILL" })}`
  )

export const responseTooLarge = (): Outcome =>
  failed(
    "Function.ResponseSizeTooLarge",
    `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT_BYTES} bytes).`
  )

/** What a function reported. Its type is in the payload, or else in a header. */
export const reported = (payload: Uint8Array, header: string | undefined): Outcome => ({
  type: "error",
  payload,
  errorType: typeIn(payload) ?? header ?? "Unhandled",
  unhandled: false
})

const typeIn = (payload: Uint8Array): string | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString())
    if (typeof value !== "object" || value === null || !("errorType" in value)) return undefined
    return typeof value.errorType === "string" ? value.errorType : undefined
  } catch {
    return undefined
  }
}
