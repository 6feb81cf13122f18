import { deepStrictEqual } from "node:assert"
import { submit } from "weft"
import { analyze } from "./direct.ts"
import { report } from "./report.ts"
import textAnalysis from "./workflow.ts"

await using run = await submit(textAnalysis)
const findings = await run.result()
console.log(report(findings))

const { makespanMs, tasks } = await run.summary()
const calls = tasks.reduce((sum, task) => sum + task.calls, 0)
deepStrictEqual(findings, analyze())
console.log(`
${calls} calls of ${tasks.length} tasks found this in ${(makespanMs / 1000).toFixed(1)} s.
All of it equals what the direct computation finds.`)
