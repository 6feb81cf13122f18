/**
 * A run as a picture: what was planned above what happened, on one time axis, a row for each worker.
 */
import type { Plan } from "@weft/core"
import type { Facts, NodeFact } from "@weft/metrics"
import { duration } from "../cli/Units.ts"
import * as Palette from "../draw/Palette.ts"
import { type Bar, type Kind, merged, planned, type Rows, real } from "./Rows.ts"

/** What is drawn. */
export interface Shown {
  readonly facts: Facts
  readonly plan: Plan.Plan
  readonly nameOf: (node: number) => string
  readonly critical: ReadonlySet<NodeFact>
  /** Above the picture. */
  readonly title: string
  readonly subtitle: string
}

const WIDTH = 1400
const LEFT = 130
const RIGHT = 40
const MOST_ROWS = 100
/** So many pixels of a bar can still be seen, and told from the next. */
const SMALLEST_PX = 0.7
const HEAD = 110
const BETWEEN = 58
const FOOT = 50

/** Of Paul Tol's schemes "bright" and "light": told apart with any colour vision, and in grey by their lightness. */
const COLOURS: Readonly<Record<Kind, string>> = {
  cold: "#ee6677",
  start: "#ffaabb",
  inputs: "#77aadd",
  execution: "#228833",
  publish: "#ccbb44",
  wait: "#e6e8eb"
}
const PLANNED = "#99c9a2"
const CRITICAL = "#111111"
const NAMES: Readonly<Record<Kind, string>> = {
  cold: "cold start",
  start: "warm start",
  inputs: "transfer in",
  execution: "execution",
  publish: "transfer out",
  wait: "waiting"
}
const KINDS = Object.keys(NAMES) as ReadonlyArray<Kind>

/** The picture, as SVG on white. */
export const svg = async (shown: Shown): Promise<string> => {
  const [core, charts, components, renderers] = await Promise.all([
    import("echarts/core"),
    import("echarts/charts"),
    import("echarts/components"),
    import("echarts/renderers")
  ])
  const { GridComponent, LegendComponent, TitleComponent } = components
  core.use([charts.CustomChart, GridComponent, LegendComponent, TitleComponent, renderers.SVGRenderer])
  const plan = planned(shown.plan, shown.nameOf, MOST_ROWS)
  const reality = real(shown.facts, shown.critical, shown.nameOf, MOST_ROWS)
  const panels =
    plan === undefined
      ? [{ rows: reality, what: "real" }]
      : [
          { rows: plan, what: "planned" },
          { rows: reality, what: "real" }
        ]
  const heights = panels.map(({ rows }) => rows.labels.length * rowHeight(rows))
  const height = HEAD + heights.reduce((sum, one) => sum + one + BETWEEN, 0) + FOOT - BETWEEN
  const until = Math.max(1, ...panels.flatMap(({ rows }) => rows.bars.map(({ toMs }) => toMs)))
  const chart = core.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height })
  chart.setOption(option(shown, panels, heights, until))
  const text = chart.renderToSVGString()
  chart.dispose()
  // Hundredths of a pixel are enough, and half of the bytes.
  return text.replaceAll(/\d+\.\d{3,}/g, (digits) => String(Number(Number(digits).toFixed(2))))
}

/** Many rows are narrow, a few have room for labels. */
const rowHeight = ({ labels }: Rows): number => Math.max(8, Math.min(26, Math.round(900 / labels.length)))

interface Panel {
  readonly rows: Rows
  readonly what: string
}

const option = (
  { facts, subtitle, title }: Shown,
  panels: ReadonlyArray<Panel>,
  heights: ReadonlyArray<number>,
  until: number
) => {
  const tops = heights.map((_, i) => HEAD + heights.slice(0, i).reduce((sum, one) => sum + one + BETWEEN, 0))
  const pxPerMs = (WIDTH - LEFT - RIGHT) / until
  const text = { color: Palette.text, fontFamily: FONT }
  return {
    animation: false,
    backgroundColor: Palette.paper,
    textStyle: text,
    title: [
      {
        text: title,
        subtext: subtitle,
        left: 16,
        top: 10,
        textStyle: { ...text, fontSize: 17 },
        subtextStyle: { color: Palette.faint, fontSize: 12, fontFamily: FONT }
      },
      ...panels.map(({ rows, what }, i) => ({
        text:
          rows.hidden === 0
            ? what
            : `${what}: the ${rows.labels.length} busiest rows of ${rows.labels.length + rows.hidden}`,
        left: LEFT,
        top: tops[i]! - 24,
        textStyle: { ...text, fontSize: 13 }
      }))
    ],
    legend: {
      top: 62,
      left: LEFT - 5,
      itemWidth: 14,
      itemGap: 24,
      itemHeight: 10,
      textStyle: { ...text, fontSize: 12 },
      data: [
        ...(panels.length > 1 ? ["planned"] : []),
        ...KINDS.map((kind) => NAMES[kind]),
        "critical path"
      ].map((name) => ({
        name,
        icon: "rect"
      }))
    },
    grid: panels.map((_, i) => ({ left: LEFT, right: RIGHT, top: tops[i]!, height: heights[i]! })),
    xAxis: panels.map((_, i) => ({
      type: "value",
      gridIndex: i,
      min: 0,
      max: until,
      axisLabel: {
        formatter: (ms: number) => (ms === 0 ? "0" : duration(ms)),
        showMaxLabel: false,
        color: Palette.faint
      },
      splitLine: { lineStyle: { color: "#eef0f2" } }
    })),
    yAxis: panels.map(({ rows }, i) => ({
      type: "category",
      gridIndex: i,
      inverse: true,
      data: rows.labels,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: Palette.arrow } },
      axisLabel: {
        color: Palette.faint,
        fontSize: Math.min(11, rowHeight(rows) + 1),
        width: LEFT - 20,
        overflow: "truncate",
        interval: rowHeight(rows) >= 11 ? 0 : Math.ceil(11 / rowHeight(rows)) - 1
      }
    })),
    series: [
      ...panels.flatMap(({ rows, what }, axis) => {
        const bars = merged(rows.bars, SMALLEST_PX / pxPerMs)
        return (what === "planned" ? (["execution"] as const) : KINDS).map((kind) =>
          series(
            what === "planned" ? "planned" : NAMES[kind],
            what === "planned" ? PLANNED : COLOURS[kind],
            axis,
            bars.filter((bar) => bar.kind === kind),
            rowHeight(rows),
            pxPerMs
          )
        )
      }),
      criticalPath(panels.at(-1)!, panels.length - 1, facts.makespanMs, pxPerMs)
    ]
  }
}

const FONT = "Helvetica, Arial, sans-serif"

/** What echarts gives to whoever draws a bar. */
interface Api {
  readonly value: (dimension: number) => number
  readonly coord: (point: readonly [number, number]) => readonly [number, number]
}

const series = (
  name: string,
  color: string,
  axis: number,
  bars: ReadonlyArray<Bar>,
  rowPx: number,
  pxPerMs: number
) => ({
  name,
  type: "custom",
  xAxisIndex: axis,
  yAxisIndex: axis,
  itemStyle: { color },
  clip: true,
  silent: true,
  data: bars.map(({ fromMs, row, toMs }) => [row, fromMs, toMs]),
  encode: { x: [1, 2], y: 0 },
  renderItem: (params: { readonly dataIndex: number }, api: Api) => {
    const bar = bars[params.dataIndex]!
    const [x, y] = api.coord([api.value(1), api.value(0)])
    const width = Math.max(SMALLEST_PX, (bar.toMs - bar.fromMs) * pxPerMs)
    const height = Math.max(3, rowPx * (bar.kind === "wait" ? 0.3 : 0.72))
    const rect = { type: "rect", shape: { x, y: y - height / 2, width, height }, style: { fill: color } }
    const label = bar.label
    if (bar.kind !== "execution" || label === undefined || rowPx < 14 || width < label.length * 6.2 + 6)
      return rect
    return {
      ...rect,
      textContent: {
        style: {
          text: label,
          fill: name === "planned" ? Palette.text : "#ffffff",
          fontSize: 10.5,
          fontFamily: FONT
        }
      },
      textConfig: { position: "inside" }
    }
  }
})

/** A line under what lies on it, and where the last target was complete. */
const criticalPath = ({ rows }: Panel, axis: number, makespanMs: number, pxPerMs: number) => {
  const bars = rows.bars.filter(({ critical }) => critical)
  const px = rowHeight(rows)
  return {
    name: "critical path",
    type: "custom",
    xAxisIndex: axis,
    yAxisIndex: axis,
    itemStyle: { color: CRITICAL },
    silent: true,
    data: [
      ...bars.map(({ fromMs, row, toMs }) => [row, fromMs, toMs]),
      [rows.labels.length - 1, makespanMs, makespanMs]
    ],
    encode: { x: [1, 2], y: 0 },
    z: 5,
    renderItem: (params: { readonly dataIndex: number }, api: Api) => {
      const [x, y] = api.coord([api.value(1), api.value(0)])
      const bar = bars[params.dataIndex]
      if (bar === undefined) {
        const bottom = y + px / 2
        return {
          type: "line",
          shape: { x1: x, x2: x, y1: bottom - rows.labels.length * px, y2: bottom },
          style: { stroke: CRITICAL, lineWidth: 1, lineDash: [4, 3] }
        }
      }
      const width = Math.max(1, (bar.toMs - bar.fromMs) * pxPerMs)
      return {
        type: "rect",
        shape: { x, y: y + px * 0.36, width, height: Math.max(2, px * 0.1) },
        style: { fill: CRITICAL }
      }
    }
  }
}
