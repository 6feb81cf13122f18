/**
 * `@weft/annotations`: annotations that several planners share, with what users write to set them.
 */
export { Preload, preload, preloading } from "./Preload.ts"
export { Prewarm, type PrewarmOptions, prewarm, prewarming } from "./Prewarm.ts"
export { Priority, prioritize, prioritizing } from "./Priority.ts"
export { type Items, Stream, type StreamOptions, stream, streaming } from "./Stream.ts"
