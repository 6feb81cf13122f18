import { type InlineOptions, inline } from "./Inline.ts"
export type ThreadsOptions = InlineOptions
export const threads = inline
