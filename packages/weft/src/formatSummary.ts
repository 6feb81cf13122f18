import { hasColors, plain, styleFor } from "./cli/Style.ts"
import { summaryLines } from "./cli/SummaryText.ts"
import type { Summary } from "./Summary.ts"

/**
 * A run's summary for people, as the command line prints it: makespan, tasks, efficiency, bytes, the slowest calls.
 *
 * @param colors whether to use a terminal's colours. Default: if stdout shows them.
 */
export const formatSummary = (summary: Summary, colors = hasColors(process.stdout)): string =>
  summaryLines(summary, colors ? styleFor(process.stdout) : plain).join("\n")
