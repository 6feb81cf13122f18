/**
 * What runs in the thread that renews leases. Loads the rest only when a worker has been at it for a while.
 *
 * In a process that lost its parent nobody else can end what blocks the main thread: this thread does.
 */
import { parentPort, workerData } from "node:worker_threads"
import { Held } from "../Leases.ts"
import type { FromRenewal, RenewalSettings, RenewedRun, ToRenewal } from "./Protocol.ts"

const port = parentPort
if (port === null) throw new Error("this module is the entry of a thread that renews leases")

const { deadline, parent } = workerData as RenewalSettings
const due = new BigInt64Array(deadline)

/** After which part of a lease the rest is loaded. */
const PATIENCE = 6
/** How long the main thread may take to end what has to end, when nobody else can see to it, in ms. */
const GRACE_MS = 2000

interface Renewed {
  readonly opening: RenewedRun
  readonly held: Held
  timer: NodeJS.Timeout | undefined
  /** Ends the process, if the main thread does not see to it that the run is over. */
  end: NodeJS.Timeout | undefined
  stop: (() => void) | undefined
}

const runs = new Map<string, Renewed>()

const isOrphan = () => parent !== undefined && process.ppid !== parent
const endProcess = () => process.kill(process.pid, "SIGKILL")

/** Looks whether there still is somebody, when the first has been there for a while. */
const await_ = (renewed: Renewed) => {
  if (renewed.timer !== undefined || renewed.stop !== undefined) return
  renewed.timer = setTimeout(() => {
    renewed.timer = undefined
    if (renewed.held.workers.size > 0) void renew(renewed)
  }, renewed.opening.leaseMs / PATIENCE)
}

const renew = async (renewed: Renewed) => {
  const { run } = renewed.opening
  const Renewer = await import("./Renewer.ts")
  if (runs.get(run) !== renewed || renewed.stop !== undefined) return
  renewed.stop = Renewer.start(renewed.opening, renewed.held.workers, {
    over: () => over(renewed),
    failed: () => {
      renewed.stop = undefined
      await_(renewed)
    }
  })
}

const over = (renewed: Renewed) => {
  port.postMessage({ type: "over", run: renewed.opening.run } satisfies FromRenewal)
  renewed.end = setTimeout(() => {
    if (isOrphan()) endProcess()
  }, GRACE_MS)
}

const watch = () => {
  const at = Number(Atomics.load(due, 0))
  if (at > 0 && Date.now() > at + GRACE_MS && isOrphan()) endProcess()
}
if (parent !== undefined) setInterval(watch, GRACE_MS)

port.on("message", (message: ToRenewal) => {
  if (message.type === "open") {
    const { opening } = message
    runs.set(opening.run, { opening, held: new Held(), timer: undefined, end: undefined, stop: undefined })
    return
  }
  const renewed = runs.get(message.run)
  if (renewed === undefined) return
  switch (message.type) {
    case "hold":
      renewed.held.hold(message.worker)
      await_(renewed)
      break
    case "release":
      renewed.held.release(message.worker)
      break
    case "close":
      clearTimeout(renewed.timer)
      clearTimeout(renewed.end)
      renewed.stop?.()
      runs.delete(message.run)
  }
})
