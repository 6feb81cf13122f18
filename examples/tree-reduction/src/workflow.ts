/**
 * Adds up the first `size` terms of 1 + 1/4 + 1/9 + 1/16 + …, pair by pair: neighbouring sums are added, then the sums
 * of those, until one is left.
 *
 * As a tree n parts take log₂ n rounds, and the additions of a round do not wait for one another. It is also more
 * exact than adding from the left, where small terms meet an already large sum.
 */
import { task, workflow } from "weft"

/** The terms 1/k² for k from `start` to `end`, without `end` itself. */
export const terms = task("terms", (start: number, end: number) =>
  Float64Array.from({ length: end - start }, (_, i) => 1 / (start + i) ** 2)
)

export const sum = task("sum", (values: Float64Array) => values.reduce((a, b) => a + b, 0))

export const add = task("add", (a: number, b: number) => a + b)

/** Neighbours two by two; the last one may be alone. */
const pairs = <T>(items: ReadonlyArray<T>): Array<[T, T | undefined]> =>
  items.flatMap((item, i) => (i % 2 === 0 ? [[item, items[i + 1]]] : []))

export interface Input {
  /** How many terms. */
  readonly size?: number
  /** How many of them are added up at the tree's leaves. */
  readonly leaf?: number
}

export default workflow(
  import.meta,
  ({ size = 1_000_000, leaf = 15_625 }: Input = {}) => {
    const starts = Array.from({ length: Math.ceil(size / leaf) }, (_, i) => 1 + i * leaf)
    let sums = starts.map((start) => sum(terms(start, Math.min(start + leaf, size + 1))))
    while (sums.length > 1) {
      sums = pairs(sums).map(([left, right]) => (right === undefined ? left : add(left, right)))
    }
    return sums[0] ?? 0
  },
  { name: "tree-reduction" }
)
