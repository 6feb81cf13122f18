/**
 * What a picture of a graph shows, whatever its format: boxes, arrows between them, and clusters around them.
 *
 * Which nodes are shown is said in `Shown.ts`, which of them share a box in `Grouping.ts`. Constants are not shown.
 */
import type { Graph } from "@weft/core"
import * as Grouping from "./Grouping.ts"
import * as Shown from "./Shown.ts"

/** A node, or a group of like nodes. */
export interface Box {
  /** Unique among the boxes. */
  readonly name: string
  /** What people read: `blur #17`, or `blur × 16` for a group. */
  readonly label: string
  /** `expand` and `collect`: where an `each` opens, and where it ends. */
  readonly kind: "call" | "expand" | "collect"
  /** For calls the task, as an index into the graph's tasks; else -1. */
  readonly task: number
  /** Whether it, or one of the group, was asked for. */
  readonly target: boolean
  /** The cluster around it, an index into {@link Drawing.clusters}; -1 for none. */
  readonly cluster: number
}

/** An arrow from where a value is made to where it is read. */
export interface Arrow {
  readonly from: number
  readonly to: number
  /** How many arrows between single nodes it stands for. */
  readonly count: number
  /** Whether values are read; else it only says what comes first. */
  readonly data: boolean
}

/** The body of an `each`, or several like ones. */
export interface Cluster {
  readonly label: string
  /** The cluster around it, which comes before it; -1 for none. */
  readonly parent: number
}

/** A picture that has no format yet. */
export interface Drawing {
  /** The workflow's name, on one line and never empty. */
  readonly title: string
  /** How large the graph is. */
  readonly summary: string
  /** From left to right, or from top to bottom. */
  readonly direction: "LR" | "TB"
  readonly boxes: ReadonlyArray<Box>
  readonly arrows: ReadonlyArray<Arrow>
  readonly clusters: ReadonlyArray<Cluster>
}

/** More arrows for each box than this are a tangle. At 200 boxes it is also where Mermaid refuses a picture. */
const ARROWS_PER_BOX = 2.5
/**
 * How many levels the arrows may cross, all together, for each box: the time for the layout grows with its square.
 * Where nodes are grouped arrows have labels, which double the levels.
 */
const CROSSINGS_PER_BOX = { single: 25, grouped: 6 }
/** Where arrows run in circles the layout takes longest: so many are drawn, or a few more than there are boxes. */
const CIRCLING_ARROWS = 150
const CIRCLING_ARROWS_PER_BOX = 1.2

/**
 * Draws a graph, in linear time.
 *
 * @param limit how many boxes there may be, with a limit on arrows in proportion, before a coarser rule is taken
 * @param finest the rule of grouping to begin with
 */
export const make = (graph: Graph.Graph, limit: number, finest: Grouping.Rule = "single"): Drawing => {
  const levels = Shown.levels(graph)
  const { arrows, grouping, rule } = choose(graph, levels, limit, finest)
  const boxes = grouping.boxes.map((group) => boxOf(graph, group))
  const shown = Grouping.circles(rule)
    ? heaviest(arrows, Math.max(CIRCLING_ARROWS, CIRCLING_ARROWS_PER_BOX * boxes.length))
    : arrows
  return {
    title: graph.columns.name.replaceAll(/\p{Cc}+/gu, " ") || "workflow",
    summary: summary(graph, shown.length, arrows.length),
    direction: direction(boxes, (box) => levels[grouping.boxes[box]!.members[0]!]!),
    boxes,
    arrows: shown,
    clusters: grouping.clusters.map(({ cluster, members }) => ({
      label: times("each", members.length),
      parent: cluster
    }))
  }
}

const choose = (
  graph: Graph.Graph,
  levels: Int32Array,
  limit: number,
  rule: Grouping.Rule
): { arrows: ReadonlyArray<Arrow>; grouping: Grouping.Grouping; rule: Grouping.Rule } => {
  const grouping = Grouping.make(graph, levels, rule)
  const arrows = arrowsOf(graph, grouping)
  const level = (box: number) => levels[grouping.boxes[box]!.members[0]!]!
  const crossings = arrows.reduce((sum, { from, to }) => sum + level(to) - level(from), 0)
  const isTangle =
    arrows.length > limit * ARROWS_PER_BOX ||
    crossings > limit * CROSSINGS_PER_BOX[rule === "single" ? "single" : "grouped"]
  const fits = grouping.boxes.length <= limit && (!isTangle || Grouping.circles(rule))
  const coarser = Grouping.coarser[rule]
  return fits || coarser === undefined ? { arrows, grouping, rule } : choose(graph, levels, limit, coarser)
}

const heaviest = (arrows: ReadonlyArray<Arrow>, most: number) =>
  arrows.length <= most ? arrows : arrows.toSorted((a, b) => b.count - a.count).slice(0, most)

const summary = (graph: Graph.Graph, shown: number, arrows: number) => {
  const calls = graph.columns.codes.reduce((count, code) => (code >= 0 ? count + 1 : count), 0)
  const parts = [quantity(calls, "node"), quantity(graph.columns.tasks.length, "task")]
  if (graph.targets.size > 0) parts.push(`${quantity(graph.targets.size, "target")} (bold outline)`)
  if (shown < arrows) parts.push(`the heaviest ${digits(shown)} of ${quantity(arrows, "arrow")}`)
  return parts.join(" · ")
}

const quantity = (count: number, noun: string) => `${digits(count)} ${noun}${count === 1 ? "" : "s"}`
const times = (name: string, count: number) => (count === 1 ? name : `${name} × ${digits(count)}`)
const digits = (count: number) => count.toLocaleString("en")

const boxOf = (graph: Graph.Graph, { cluster, members }: Grouping.Group): Box => {
  const first = members[0]!
  const kind = graph.kind(first)
  const name = graph.name(first)
  const single = `${name} #${first}`
  return {
    name: single,
    label: members.length === 1 ? single : times(name, members.length),
    kind: kind === "expand" || kind === "collect" ? kind : "call",
    task: Math.max(-1, graph.columns.codes[first]!),
    target: members.some((id) => graph.targets.has(id)),
    cluster
  }
}

const arrowsOf = (graph: Graph.Graph, { boxes, boxOf }: Grouping.Grouping): ReadonlyArray<Arrow> => {
  const arrows = new Map<number, { from: number; to: number; count: number; data: boolean }>()
  for (let id = 0; id < graph.size; id++) {
    const to = boxOf[id]!
    Shown.arrowsTo(graph, id, (fromId, data) => {
      const from = boxOf[fromId]!
      const key = from * boxes.length + to
      const known = arrows.get(key)
      if (known === undefined) arrows.set(key, { from, to, count: 1, data })
      else {
        known.count++
        known.data ||= data
      }
    })
  }
  return [...arrows.values()]
}

/** How wide a picture may be for its text to be legible on a page, in points. */
const PAGE_WIDTH = 1500
/** An empty box with the space to the next, and a character, in points. */
const BOX_WIDTH = 55
const CHARACTER_WIDTH = 6

/**
 * From left to right, as one reads, as long as that fits on a page; otherwise whichever is narrower. Wide and shallow
 * graphs come out from left to right, because boxes are wider than high; long and thin ones from top to bottom.
 */
const direction = (boxes: ReadonlyArray<Box>, level: (box: number) => number): Drawing["direction"] => {
  let leftToRight = 0
  let topToBottom = 0
  for (const inLevel of Map.groupBy(boxes.keys(), level).values()) {
    const widths = inLevel.map((box) => BOX_WIDTH + CHARACTER_WIDTH * boxes[box]!.label.length)
    leftToRight += widths.reduce((a, b) => Math.max(a, b))
    topToBottom = Math.max(
      topToBottom,
      widths.reduce((a, b) => a + b)
    )
  }
  return leftToRight <= Math.max(PAGE_WIDTH, topToBottom) ? "LR" : "TB"
}
