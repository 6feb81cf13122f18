/**
 * `@weft/planner-dask`: Dask's static ordering and its choice of workers, as a plan.
 */
export { type DagInput, InvalidDag } from "./Dag.ts"
export { priorities } from "./Order.ts"
