/** A worker thread as a vessel. */
import { Worker } from "node:worker_threads"
import type { FromVessel } from "../pool/Protocol.ts"
import type { Launch, VesselSettings } from "../pool/Vessel.ts"
import { type Answer, type Call, transferOf } from "./Protocol.ts"

/**
 * How threads are started.
 *
 * @param heapMiB the most that a thread's heap may grow to
 */
export const launch =
  (settings: VesselSettings, heapMiB: number | undefined): Launch<Answer, Call> =>
  ({ ended, receive }) => {
    // From source the entry is a .ts file, which Node runs as it is.
    const entry = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url)
    const thread = new Worker(entry, {
      name: "weft",
      workerData: settings,
      ...(heapMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
    })
    let reason: string | undefined
    thread.on("message", (message: FromVessel | Call) => receive(message))
    thread.on("error", (error) => {
      reason ??= describe(error)
    })
    thread.on("exit", (code) => ended(reason ?? `its thread ended with exit code ${code}`))
    // After the listeners, which hold the process again.
    thread.unref()
    return {
      send: (message) => thread.postMessage(message, transferOf(message)),
      end: () => void thread.terminate()
    }
  }

const describe = (error: unknown): string => {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return "its thread ran out of heap memory"
  }
  return `its thread ended by an uncaught error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
}
