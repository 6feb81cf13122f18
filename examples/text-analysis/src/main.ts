import { deepStrictEqual } from "node:assert"
import { mkdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { submit } from "weft"
import { analyze } from "./direct.ts"
import { report } from "./report.ts"
import textAnalysis from "./workflow.ts"

await using run = await submit(textAnalysis)
const findings = await run.result()
console.log(report(findings))

deepStrictEqual(findings, analyze())
const { makespanMs, tasks } = await run.summary()
const calls = tasks.reduce((sum, task) => sum + task.calls, 0)
console.log(`
${calls} calls of ${tasks.length} tasks found this in ${(makespanMs / 1000).toFixed(1)} s.
All of it equals what the direct computation finds.`)

// The start script has the graph drawn there next.
const out = join(import.meta.dirname, "../out")
await mkdir(out, { recursive: true })
console.log(`The graph: ${relative(process.env.INIT_CWD ?? process.cwd(), join(out, "graph.svg"))}`)
