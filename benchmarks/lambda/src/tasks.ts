/** The workflow's file: what is deployed. The tasks of the other benchmarks, and some that need time. */
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

/** Takes so many ms, and hears nothing meanwhile, if nobody has tried before. */
export const block = task("block", (ms: number, value: number) => {
  const until = Date.now() + (context().attempt === 1 ? ms : 0)
  while (Date.now() < until);
  return value
})

/** A deployment is of a workflow; the benchmarks run others, too. */
export default workflow(import.meta, () => delayed(0, 1), { name: "bench" })
