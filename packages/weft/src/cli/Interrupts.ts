/**
 * What ends a command before its time: Ctrl-C, a signal to terminate, and errors that nothing handles.
 */
import { exitCode } from "./CliFailure.ts"

type Signal = "SIGINT" | "SIGTERM"

/** The code with which a process ends that was told to. */
export const codeOf = (signal: Signal): number =>
  signal === "SIGINT" ? exitCode.interrupted : exitCode.terminated

/** What is to be done. */
export interface Handlers {
  /** Begins to end things in order, and answers whether there is something to end. Else the process ends at once. */
  readonly first: (signal: Signal) => boolean
  /** An error that nothing handles; the process ends after it. */
  readonly unhandled: (error: unknown, isRejection: boolean) => void
}

/**
 * Listens until the answer is called. The second signal ends the process whatever is under way; so who was told to end goes on
 * to listen.
 */
export const listen = (handlers: Handlers): (() => void) => {
  let told = false
  const signalled = (signal: Signal) => {
    if (told || !handlers.first(signal)) process.exit(codeOf(signal))
    told = true
  }
  const unhandled = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin) => {
    handlers.unhandled(error, origin === "unhandledRejection")
    process.exit(exitCode.failed)
  }
  process.on("SIGINT", signalled).on("SIGTERM", signalled).on("uncaughtException", unhandled)
  return () => {
    process.off("uncaughtException", unhandled)
    if (!told) process.off("SIGINT", signalled).off("SIGTERM", signalled)
  }
}
