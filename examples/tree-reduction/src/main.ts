import { ok } from "node:assert"
import { run } from "weft"
import { addUp, exactly } from "./direct.ts"
import treeReduction from "./workflow.ts"

const size = 1_000_000
const sum = await run(treeReduction, { input: { size } })
const direct = addUp(size)
const exact = exactly(size)

const row = (name: string, value: number) =>
  console.log(
    `  ${name.padEnd(15)} ${value.toFixed(16)}   off by ${Math.abs(value - exact).toExponential(0)}`
  )

console.log(`1 + 1/4 + 1/9 + …, ${size.toLocaleString("en")} terms`)
row("pair by pair", sum)
row("from the left", direct)
console.log(`  ${"by a formula".padEnd(15)} ${exact.toFixed(16)}`)

ok(Math.abs(sum - direct) < 1e-12, "the sums differ by more than rounding errors")
console.log("\nThe sum equals the direct one, but for rounding.")
