import { ok } from "node:assert"
import { run } from "weft"
import { multiplyDirectly } from "./direct.ts"
import { join } from "./matrix.ts"
import gemm from "./workflow.ts"

const [n, block] = [512, 128]
const { values } = join(await run(gemm, { input: { n, block } }))

console.log(`A · B, ${n} × ${n}, in blocks of ${block} × ${block}`)
for (const i of [0, 1, 2]) {
  console.log(
    `  ${Array.from(values.subarray(i * n, i * n + 6), (value) => value.toFixed(3).padStart(9)).join(" ")}  …`
  )
}
console.log(`  ${"        ⋮ ".repeat(6)}`)

const direct = multiplyDirectly(n)
const difference = values.reduce((most, value, i) => Math.max(most, Math.abs(value - direct[i]!)), 0)
ok(difference < 1e-9, `an entry differs from the direct product by ${difference}`)
console.log(
  `\nIt equals the direct product, but for rounding: no entry differs by more than ${difference.toExponential(0)}.`
)
