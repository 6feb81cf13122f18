/**
 * Baselines: plans to compare planners with, not to run with. All name all workers and have one memory size.
 */
export type { BaselineOptions } from "./Baseline.ts"
export { heft, schedule } from "./Heft.ts"
export { type RandomOptions, random } from "./Random.ts"
export { single } from "./Single.ts"
