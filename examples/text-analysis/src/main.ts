import { deepStrictEqual } from "node:assert"
import { run } from "weft"
import { analyze } from "./direct.ts"
import { report } from "./report.ts"
import textAnalysis from "./workflow.ts"

const findings = await run(textAnalysis)
console.log(report(findings))

deepStrictEqual(findings, analyze())
console.log("\nAll of it equals what the direct computation finds.")
