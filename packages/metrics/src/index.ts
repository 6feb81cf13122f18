/**
 * `@weft/metrics`: what is measured, how it is summarised, and what is predicted from it.
 */
export type { Facts, NodeFact, WorkerFact } from "./Facts.ts"
