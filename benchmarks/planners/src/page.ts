/** The figures as a page of charts: one file, no scripts. */
import type { PredictedRun } from "@weft/storage"
import { BarChart } from "echarts/charts"
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import { accuracy, ENOUGH_RUNS, PASTS, type Past, type Sample, typical, worth } from "./figures.ts"

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const WIDTH = 1180
const HEIGHT = 320
/** Told apart by people who do not see all colours, too (Okabe and Ito, 2008). */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442"]

interface Chart {
  readonly title: string
  readonly unit: string
  /** By planner, a value for each workflow. */
  readonly series: ReadonlyArray<{
    readonly name: string
    readonly values: ReadonlyArray<number | undefined>
  }>
}

const svg = (workflows: ReadonlyArray<string>, { series, title, unit }: Chart): string => {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT })
  chart.setOption({
    animation: false,
    color: COLOURS,
    title: { text: `${title} (${unit})`, left: 0, textStyle: { fontSize: 15 } },
    legend: { right: 0, top: 0 },
    grid: { left: 60, right: 10, top: 45, bottom: 40 },
    xAxis: { type: "category", data: [...workflows], axisLabel: { interval: 0 } },
    yAxis: { type: "value" },
    series: series.map(({ name, values }) => ({
      type: "bar",
      name,
      barGap: "5%",
      data: values.map((value) => value ?? null)
    }))
  })
  const text = chart.renderToSVGString()
  chart.dispose()
  return text
}

const percent = (share: number, digits = 0) => `${(100 * share).toFixed(digits)} %`

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  `<table><tr>${head.map((cell) => `<th>${escaped(cell)}</th>`).join("")}</tr>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`)
    .join("")}</table>`

/** How good predictions were, by planner and workflow. */
const predictions = (samples: ReadonlyArray<Sample>, past: Past) => {
  const cells = Map.groupBy(samples, ({ planner, workflow }) => `${workflow}\t${planner}`)
  const rows = [...cells].flatMap(([key, own]) => {
    const of = accuracy(own, past)
    return of === undefined
      ? []
      : [
          [
            ...key.split("\t"),
            String(of.runs),
            percent(of.medianError, 1),
            percent(of.p90Error, 1),
            percent(of.within50),
            percent(of.within90)
          ]
        ]
  })
  return table(["workflow", "planner", "runs", "median error", "P90 error", "within P50", "within P90"], rows)
}

/** The page, as HTML. */
export const page = (samples: ReadonlyArray<Sample>, about: string): string => {
  const workflows = [...new Set(samples.map(({ workflow }) => workflow))]
  const planners = [...new Set(samples.map(({ planner }) => planner))]
  const chart = (title: string, unit: string, quantity: (sample: Sample) => number, withHistory = true) =>
    svg(workflows, {
      title,
      unit,
      series: planners.map((name) => ({
        name,
        values: workflows.map((workflow) =>
          typical(samples, { workflow, planner: name, withHistory }, quantity)
        )
      }))
    })
  /** What was predicted as a share of what was. */
  const beside = (
    what: string,
    predictedOf: (predicted: PredictedRun) => number | undefined,
    real: (sample: Sample) => number
  ) => {
    const share = (sample: Sample): number => {
      const expected = sample.predicted && predictedOf(sample.predicted)
      return expected === undefined ? Number.NaN : (100 * expected) / real(sample)
    }
    const known = samples.filter((sample) => Number.isFinite(share(sample)))
    return svg(workflows, {
      title: `Predicted as a share of real: ${what}`,
      unit: "%",
      series: planners.map((name) => ({
        name,
        values: workflows.map((workflow) =>
          typical(known, { workflow, planner: name, withHistory: true }, share)
        )
      }))
    })
  }
  const { bestToSimple, equalWorkflows, report2ToUniform, toRandom } = worth(samples)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>weft: planners</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:${WIDTH}px;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.15rem .8rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}svg{display:block;margin:1.5rem 0}</style></head><body>
<h1>Planners</h1>
<p>${escaped(about)}</p>
<p>The best planner's makespan is ${percent(bestToSimple)} of the simple planner's (median over the workflows). ${
    report2ToUniform === undefined
      ? "No workflow has equal makespans of report2 and uniform."
      : `Where their makespans are equal (${equalWorkflows} workflows), report2 takes ${percent(report2ToUniform)} of uniform's GB-seconds.`
  }</p>
${table(
  ["planner", "makespan to random placement"],
  toRandom.map(({ planner, ratio }) => [planner, percent(ratio)])
)}
${chart("Makespan, planned with history", "s", ({ makespanMs }) => makespanMs / 1000)}
${chart("Makespan, planned without history", "s", ({ makespanMs }) => makespanMs / 1000, false)}
${beside(
  "makespan (mean)",
  (predicted) => predicted.meanMs,
  (sample) => sample.makespanMs
)}
${chart("Memory paid for, with history", "GB-s", ({ gbSeconds }) => gbSeconds)}
${beside(
  "memory paid for",
  (predicted) => predicted.gbSeconds,
  (sample) => sample.gbSeconds
)}
${chart("Bytes through storage, with history", "MB", ({ bytes }) => bytes / 1e6)}
${beside(
  "bytes through storage",
  (predicted) => predicted.bytes,
  (sample) => sample.bytes
)}
${chart("Round trips to the stores, with history", "calls", ({ roundTrips }) => roundTrips)}
${beside(
  "round trips",
  (predicted) => predicted.roundTrips,
  (sample) => sample.roundTrips
)}
${PASTS.map(
  ([past, whose]) => `<h2>Predictions, of runs with ${ENOUGH_RUNS} past runs and more ${whose}</h2>
${predictions(samples, past)}`
).join("\n")}
</body></html>
`
}
