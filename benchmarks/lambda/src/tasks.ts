/** The workflow's file: what is deployed. The tasks of the other benchmarks, and some that need time. */
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { context, task, workflow } from "weft"
import { attendGate } from "./attend.ts"

export * from "@weft-benchmarks/faults/tasks"
export * from "@weft-benchmarks/overhead/tasks"

/** Waits at the gate on that port of this machine. */
export const attend = task("attend", (port: number, index: number) => attendGate(port, index))

/** Passes its value on, after so many ms. */
export const delayed = task("delayed", async (ms: number, value: number) => {
  if (ms > 0) await sleep(ms)
  return value
})

/** Takes so many ms, and hears nothing meanwhile, when it is called for the first time in a run. */
export const block = task("block", (ms: number, value: number) => {
  const until = Date.now() + (isFirst() ? ms : 0)
  while (Date.now() < until);
  return value
})

/** Whether this has not been asked in this run before, in whatever process. */
const isFirst = (): boolean => {
  const folder = process.env.WEFT_FAULTS
  if (folder === undefined) throw new Error("WEFT_FAULTS must name a folder")
  try {
    closeSync(openSync(join(folder, `${context().run}.blocked`), "wx"))
    return true
  } catch {
    return false
  }
}

/** A deployment is of a workflow; the benchmarks run others, too. */
export default workflow(import.meta, () => delayed(0, 1), { name: "bench" })
