import { deepStrictEqual } from "node:assert"
import { run } from "weft"
import { countDirectly } from "./direct.ts"
import wordCount, { type Count } from "./workflow.ts"

const counts = await run(wordCount)

const table = (title: string, rows: ReadonlyArray<Count>) => {
  const most = rows[0]?.[1] ?? 1
  console.log(`\n${title}`)
  for (const [word, count] of rows) {
    console.log(
      `  ${word.padEnd(10)} ${String(count).padStart(6)} ${"█".repeat(Math.ceil((count / most) * 50))}`
    )
  }
}

const total = counts.reduce((sum, [, count]) => sum + count, 0)
console.log(
  `Moby-Dick has ${total.toLocaleString("en")} words, ${counts.length.toLocaleString("en")} different ones.`
)
table("The most frequent", counts.slice(0, 10))
table("The most frequent of at least seven letters", counts.filter(([word]) => word.length >= 7).slice(0, 10))

deepStrictEqual(counts, countDirectly())
console.log("\nAll counts equal those of the direct computation.")
