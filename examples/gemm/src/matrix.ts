/** Matrices of doubles, row by row. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float64Array
}

/** A matrix from a formula for its entries. */
export const matrix = (
  rows: number,
  columns: number,
  entry: (row: number, column: number) => number
): Matrix => {
  const values = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) values[i * columns + j] = entry(i, j)
  }
  return { rows, columns, values }
}

/** The two matrices that are multiplied: their entries, between -1 and 1. */
export const entries = {
  A: (row: number, column: number): number => Math.sin(1 + row * 3 + column * column),
  B: (row: number, column: number): number => Math.cos(2 + row * row + column * 5)
} as const

/** Rows of blocks as one matrix. */
export const join = (blocks: ReadonlyArray<ReadonlyArray<Matrix>>): Matrix => {
  const columns = blocks[0]!.reduce((sum, block) => sum + block.columns, 0)
  const lines = blocks.flatMap((row) =>
    Array.from({ length: row[0]!.rows }, (_, i) =>
      row.flatMap(({ columns, values }) => [...values.subarray(i * columns, (i + 1) * columns)])
    )
  )
  return { rows: lines.length, columns, values: Float64Array.from(lines.flat()) }
}
