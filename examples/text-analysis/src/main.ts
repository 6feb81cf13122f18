import { deepStrictEqual } from "node:assert"
import { mkdirSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { drawGraph, formatSummary, submit } from "weft"
import { analyze } from "./direct.ts"
import { report } from "./report.ts"
import textAnalysis from "./workflow.ts"

await using run = await submit(textAnalysis)
const findings = await run.result()
console.log(report(findings))
deepStrictEqual(findings, analyze())
console.log("\nAll of this equals what a direct computation finds.\n")
console.log(formatSummary(await run.summary()))

const picture = fileURLToPath(new URL("../out/graph.svg", import.meta.url))
mkdirSync(new URL("../out", import.meta.url), { recursive: true })
writeFileSync(picture, await drawGraph(textAnalysis))
console.log(`\nThe graph is drawn in ${relative(process.env.INIT_CWD ?? process.cwd(), picture)}.`)
