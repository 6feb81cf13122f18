// Prints the number of tests that passed and failed in vitest's JSON report.
import { existsSync, readFileSync } from "node:fs"

const file = new URL("../.reports/tests.json", import.meta.url)
if (!existsSync(file)) {
  console.error("There is no test report: the tests did not run to their end.")
  process.exit(1)
}
const report = JSON.parse(readFileSync(file, "utf8"))
// A file that could not be loaded has no tests to count: it counts as one that failed.
const broken = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0
)
console.log(`${report.numPassedTests} passed, ${report.numFailedTests + broken.length} failed`)
