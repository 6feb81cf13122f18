/** All tasks, as one module: what is deployed. */
import { workflow } from "weft"
import { load } from "./tasks.ts"

export * from "./tasks.ts"
export * from "./traceTasks.ts"

/** A deployment is of a workflow; the benchmark runs others of the same tasks. */
export default workflow(import.meta, () => load({ iterations: 1, bytes: 8 }), { name: "planners" })
