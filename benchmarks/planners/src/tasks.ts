/**
 * What the workflows compute: for so many iterations, for a value of so many bytes. An iteration takes the same on every
 * machine of one kind, so a task takes longer with less memory, as far as that is a smaller share of a core.
 */
import { task } from "weft"

/** What a call is to do. */
export interface Effort {
  /** Of {@link burn}. */
  readonly iterations: number
  /** Of the result. */
  readonly bytes: number
}

/** Computes. */
export const burn = (iterations: number): number => {
  let sum = 0
  for (let i = 0; i < iterations; i++) sum += Math.sqrt(i)
  return sum
}

/** So many bytes that do not compress, and say how many there were before them. */
const made = ({ bytes, iterations }: Effort, before: ReadonlyArray<Uint8Array>): Uint8Array => {
  const value = new Uint8Array(Math.max(8, bytes))
  for (let i = 8, state = bytes; i < value.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    value[i] = state >>> 24
  }
  const total = before.reduce((sum, one) => sum + countOf(one), 1)
  new DataView(value.buffer).setFloat64(0, burn(iterations) < 0 ? 0 : total)
  return value
}

/** How many calls a value comes from, each counted as often as it was read. */
export const countOf = (value: Uint8Array): number =>
  new DataView(value.buffer, value.byteOffset).getFloat64(0)

const source = (effort: Effort) => made(effort, [])
export const join = (effort: Effort, values: ReadonlyArray<Uint8Array>) => made(effort, values)
const list = (effort: Effort, length: number, before: ReadonlyArray<Uint8Array>) =>
  Array.from({ length }, () => made({ ...effort, iterations: effort.iterations / length }, before))

// Tree reduction.
export const load = task("load", source)
export const add = task("add", join)

// Blocked matrix product.
export const block = task("block", source)
export const multiply = task("multiply", join)
export const sum = task("sum", join)

// An image in tiles.
export const open = task("open", source)
export const cut = task("cut", join)
export const blur = task("blur", join)
export const sharpen = task("sharpen", join)
export const scale = task("scale", join)
export const paste = task("paste", join)

// Text analysis: as many chapters as the book has.
export const read = task("read", (effort: Effort, chapters: number) => list(effort, chapters, []))
export const split = task("split", join)
export const measure = task("measure", join)
export const tally = task("tally", join)
export const report = task("report", (effort: Effort, findings: ReadonlyArray<ReadonlyArray<Uint8Array>>) =>
  made(effort, findings.flat())
)

// Word count: documents, each mapped in parts, shuffled, reduced.
export const documents = task("documents", (effort: Effort, width: number) => list(effort, width, []))
export const parts = task("parts", (effort: Effort, width: number, document: Uint8Array) =>
  list(effort, width, [document])
)
export const count = task("count", join)
export const merge = task("merge", join)
export const shuffle = task("shuffle", (effort: Effort, width: number, values: ReadonlyArray<Uint8Array>) =>
  list(effort, width, values)
)
export const reduce = task("reduce", join)
export const total = task("total", join)
