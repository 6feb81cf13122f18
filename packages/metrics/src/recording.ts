/**
 * `@weft/metrics/recording`: what a worker needs of this package, without what makes predictions. It is loaded wherever a
 * worker starts.
 */
export type { Read } from "./Columns.ts"
export type { Life } from "./Recorder.ts"
export { StoreClock } from "./StoreClock.ts"
export { Recording } from "./Upload.ts"
