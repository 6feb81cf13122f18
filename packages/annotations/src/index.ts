/**
 * `@weft/annotations`: annotations that several planners share, with what users write to set them.
 */
export { type Items, Stream, type StreamOptions, stream, streaming } from "./Stream.ts"
