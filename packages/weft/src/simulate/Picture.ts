/**
 * The picture of `weft simulate`: bars of makespan and cost, and for each planner when its workers run what.
 */

import type { CustomSeriesRenderItem } from "echarts"
import { BarChart, CustomChart } from "echarts/charts"
import { GridComponent, TitleComponent } from "echarts/components"
import { type EChartsCoreOption, init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import { bytes, duration } from "../cli/Units.ts"
import type { About, Compared } from "./Comparing.ts"

use([BarChart, CustomChart, GridComponent, TitleComponent, SVGRenderer])

const WIDTH = 1100
const MARGIN = { left: 96, right: 40 } as const
const BARS = 46
const LANE = 12
/** So many lanes are drawn for a planner; workers beyond share them. */
const LANES = 40
/** More than so many instances are drawn as what each worker was busy with. */
const INSTANCES = 4000

const COLORS = [
  "#3b6fb6",
  "#e08a3c",
  "#4f9d69",
  "#b5524f",
  "#7d6bb0",
  "#8a6d52",
  "#c97fb1",
  "#6f7780"
] as const
const START = "#d9dde3"
const WAIT = "#b9c2cf"

/** One rectangle of a Gantt chart: lane, from, to, and what it shows. */
type Piece = readonly [lane: number, from: number, to: number, color: string]

/** Draws a comparison, as SVG. */
export const picture = (compared: ReadonlyArray<Compared>, about: About): string => {
  const colors = colorsOf(compared)
  const strips = compared.map((one) => ganttOf(one, colors))
  const last = Math.max(...compared.map(({ simulation }) => simulation.meanRunMs))
  const heights = strips.map(({ lanes }) => Math.max(3, lanes) * LANE)
  const top = 64
  const barsHeight = BARS * 0.62 * compared.length + 24
  const titles: Array<object> = [
    {
      text: `${about.workflow} on ${about.engine}, simulated`,
      left: 12,
      top: 10,
      textStyle: { fontSize: 17, fontWeight: "bold", color: "#222" }
    }
  ]
  const half = (WIDTH - MARGIN.left - MARGIN.right - 110) / 2
  const charts = [
    bars(compared, "makespan (mean, with p90)", {
      of: ({ simulation }) => simulation.makespanMs.mean,
      upTo: ({ simulation }) => simulation.makespanMs.percentile(0.9),
      shown: duration,
      left: MARGIN.left,
      top: top + 18,
      width: half,
      height: barsHeight - 24
    }),
    bars(compared, "cost, USD", {
      of: ({ simulation }) => simulation.cost,
      shown: (value) => `$${Number(value.toPrecision(3))}`,
      left: MARGIN.left + half + 110,
      top: top + 18,
      width: half,
      height: barsHeight - 24
    })
  ]
  const grids: Array<object> = charts.map(({ grid }) => grid)
  const xAxes: Array<object> = charts.map(({ xAxis }, i) => ({ ...xAxis, gridIndex: i }))
  const yAxes: Array<object> = charts.map(({ yAxis }, i) => ({ ...yAxis, gridIndex: i }))
  const series: Array<object> = charts.flatMap(({ series }, i) =>
    series.map((one) => ({ ...one, xAxisIndex: i, yAxisIndex: i }))
  )
  titles.push(...charts.map(({ title }) => title))
  let at = top + barsHeight + 46
  for (const [i, strip] of strips.entries()) {
    const { name, simulation } = compared[i]!
    const index = grids.length
    titles.push({
      text: name,
      subtext: `${duration(simulation.meanRunMs)}, ${simulation.workers.length} workers, ${simulation.coldStarts} cold, ${bytes(Math.round(simulation.bytes))} through stores`,
      left: 12,
      top: at,
      itemGap: 3,
      textStyle: { fontSize: 13, color: "#222" },
      subtextStyle: { fontSize: 11, color: "#666" }
    })
    grids.push({ ...MARGIN, top: at + 40, height: heights[i] })
    xAxes.push({
      gridIndex: index,
      type: "value",
      min: 0,
      max: last,
      axisLabel: { formatter: (ms: number) => duration(ms), fontSize: 10, showMaxLabel: false },
      axisLine: { onZero: false },
      splitLine: { lineStyle: { color: "#eee" } }
    })
    yAxes.push({
      gridIndex: index,
      type: "value",
      min: 0,
      max: Math.max(3, strip.lanes),
      inverse: true,
      show: false
    })
    series.push({
      type: "custom",
      xAxisIndex: index,
      yAxisIndex: index,
      data: strip.pieces,
      renderItem: rectangle
    })
    at += 40 + heights[i]! + 46
  }
  const legend = legendOf(colors)
  titles.push({ text: legend.text, left: 12, top: at - 8, textStyle: legend.textStyle })
  const option: EChartsCoreOption = {
    animation: false,
    backgroundColor: "#fff",
    title: titles,
    grid: grids,
    xAxis: xAxes,
    yAxis: yAxes,
    series
  }
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: at + 24 })
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

interface Bars {
  readonly of: (one: Compared) => number
  readonly upTo?: (one: Compared) => number
  readonly shown: (value: number) => string
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const bars = (
  compared: ReadonlyArray<Compared>,
  title: string,
  { height, left, of, shown, top, upTo, width }: Bars
) => ({
  title: { text: title, left: left - 6, top: top - 26, textStyle: { fontSize: 12, color: "#444" } },
  grid: { left, top, width, height },
  xAxis: {
    type: "value",
    show: false,
    max: 1.25 * Math.max(...compared.map((one) => Math.max(of(one), upTo?.(one) ?? 0)), Number.MIN_VALUE)
  },
  yAxis: {
    type: "category",
    inverse: true,
    data: compared.map(({ name }) => name),
    axisTick: { show: false },
    axisLine: { show: false },
    axisLabel: { fontSize: 12, color: "#222" }
  },
  series: [
    {
      type: "bar",
      barWidth: "58%",
      itemStyle: { color: COLORS[0] },
      label: {
        show: true,
        position: "right",
        distance: 8,
        fontSize: 11,
        formatter: ({ dataIndex }: { readonly dataIndex: number }) => {
          const one = compared[dataIndex]!
          return upTo === undefined ? shown(of(one)) : `${shown(of(one))}  (p90 ${shown(upTo(one))})`
        }
      },
      data: compared.map(of)
    }
  ]
})

/** Colors of tasks: the most used first, the others share the last. */
const colorsOf = (compared: ReadonlyArray<Compared>): ReadonlyMap<string, string> => {
  const counts = new Map<string, number>()
  for (const { simulation } of compared)
    for (const { endMs, executeMs, task } of simulation.instances)
      if (endMs > executeMs) counts.set(task, (counts.get(task) ?? 0) + endMs - executeMs)
  const byUse = [...counts].sort(([, a], [, b]) => b - a)
  return new Map(byUse.map(([task], i) => [task, COLORS[Math.min(i, COLORS.length - 1)]!]))
}

const ganttOf = (
  one: Compared,
  colors: ReadonlyMap<string, string>
): { readonly lanes: number; readonly pieces: ReadonlyArray<Piece> } => {
  const { instances, meanRunMs, workers } = one.simulation
  const order = [...workers].sort((a, b) => a.sentMs - b.sentMs || a.name.localeCompare(b.name))
  const free: Array<number> = []
  const laneOf = new Map<
    string,
    Array<{ readonly lane: number; readonly from: number; readonly to: number }>
  >()
  const pieces: Array<Piece> = []
  for (const { beganMs, name, sentMs, toMs } of order) {
    // A lane that is free by then, else a new one; the ones beyond share.
    let lane = free.findIndex((until) => until <= sentMs)
    if (lane < 0) lane = free.length < LANES ? free.length : free.indexOf(Math.min(...free))
    free[lane] = Math.max(toMs, free[lane] ?? 0)
    laneOf.set(name, [...(laneOf.get(name) ?? []), { lane, from: sentMs, to: toMs }])
    const until = Math.min(beganMs, meanRunMs)
    if (until > sentMs) pieces.push([lane, sentMs, until, START])
  }
  const found = (worker: string, at: number) =>
    laneOf.get(worker)?.find(({ from, to }) => from <= at && at <= to)?.lane ?? 0
  const isMany = instances.length > INSTANCES
  for (const { endMs, executeMs, startMs, task, worker } of instances) {
    const lane = found(worker, startMs)
    if (executeMs > startMs && !isMany) pieces.push([lane, startMs, executeMs, WAIT])
    if (endMs > executeMs) pieces.push([lane, executeMs, endMs, colors.get(task) ?? COLORS.at(-1)!])
  }
  return { lanes: free.length, pieces }
}

const rectangle: CustomSeriesRenderItem = (_, api) => {
  const [x = 0, y = 0] = api.coord([api.value(1), api.value(0)])
  const [end = 0] = api.coord([api.value(2), api.value(0)])
  return {
    type: "rect",
    shape: { x, y: y + 1, width: Math.max(0.7, end - x), height: LANE - 2 },
    style: { fill: String(api.value(3)) }
  }
}

const legendOf = (colors: ReadonlyMap<string, string>) => {
  const tasks = [...colors].slice(0, COLORS.length - 1)
  const rich: Record<string, object> = { plain: { fontSize: 11, color: "#444" } }
  const mark = (name: string, color: string) => {
    rich[name] = { fontSize: 13, color }
    return `{${name}|■}`
  }
  const parts = [
    `${mark("start", START)} {plain|invoked, starts}`,
    `${mark("wait", WAIT)} {plain|waits for inputs}`,
    ...tasks.map(([task, color], i) => `${mark(`t${i}`, color)} {plain|${task}}`)
  ]
  return { text: parts.join("   "), textStyle: { rich, fontWeight: "normal" as const } }
}
