/** The same product without weft and without blocks, as the definition says it. */
import { entries } from "./matrix.ts"

export const multiplyDirectly = (n: number): Float64Array => {
  const a = new Float64Array(n * n)
  const b = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      a[i * n + j] = entries.A(i, j)
      b[i * n + j] = entries.B(i, j)
    }
  }
  const c = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += a[i * n + k]! * b[k * n + j]!
      c[i * n + j] = sum
    }
  }
  return c
}
