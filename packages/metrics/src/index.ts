/**
 * `@weft/metrics`: what is measured, how it is summarised, and what is predicted from it.
 */
export { Collected, fromBatches, type Known, totals } from "./Collected.ts"
export * as Details from "./Details.ts"
export * as Evaluate from "./Evaluate.ts"
export { type Facts, type NodeFact, startingMs, type WorkerFact } from "./Facts.ts"
export * as Learning from "./Learning.ts"
export * as Makespan from "./Makespan.ts"
export * as Predictor from "./Predictor.ts"
export * as Sketch from "./Sketch.ts"
export * as Summaries from "./Summaries.ts"
