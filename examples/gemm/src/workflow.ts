/**
 * Multiplies two n × n matrices block by block: C[i][j] is the sum of A[i][k] · B[k][j] over all k.
 *
 * The graph is wired with loops, from `n` and the size of a block. Each block of A and B is made by a task, so no
 * worker ever holds a whole matrix, and all products can be computed at the same time. Nodes may stand in arrays:
 * `add` takes a list of them, and the result is a nesting of them.
 */
import { task, workflow } from "weft"
import { z } from "zod"
import { entries, type Matrix, matrix } from "./matrix.ts"

/** Some rows, or some columns, of a matrix. */
interface Span {
  readonly start: number
  readonly length: number
}

export const block = task("block", (name: "A" | "B", rows: Span, columns: Span) =>
  matrix(rows.length, columns.length, (i, j) => entries[name](rows.start + i, columns.start + j))
)

export const multiply = task("multiply", (a: Matrix, b: Matrix): Matrix => {
  const values = new Float64Array(a.rows * b.columns)
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.values[i * a.columns + k]!
      for (let j = 0; j < b.columns; j++) values[i * b.columns + j]! += factor * b.values[k * b.columns + j]!
    }
  }
  return { rows: a.rows, columns: b.columns, values }
})

export const add = task("add", (terms: ReadonlyArray<Matrix>): Matrix => {
  const { rows, columns } = terms[0]!
  return matrix(rows, columns, (i, j) => terms.reduce((sum, { values }) => sum + values[i * columns + j]!, 0))
})

const input = z
  .object({
    /** Rows and columns of the matrices. */
    n: z.int().positive().default(512),
    /** Rows and columns of a block; those at the end may have fewer. */
    block: z.int().positive().default(128)
  })
  .prefault({})

export default workflow(
  import.meta,
  ({ n, block: size }) => {
    const spans = Array.from({ length: Math.ceil(n / size) }, (_, i) => ({
      start: i * size,
      length: Math.min(size, n - i * size)
    }))
    const a = spans.map((rows) => spans.map((columns) => block("A", rows, columns)))
    const b = spans.map((rows) => spans.map((columns) => block("B", rows, columns)))
    return a.map((row) => spans.map((_, j) => add(row.map((block, k) => multiply(block, b[k]![j]!)))))
  },
  { name: "gemm", input }
)
