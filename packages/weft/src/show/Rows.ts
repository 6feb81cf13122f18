/**
 * A run, and its plan, as rows of a chart: one for each worker, with what it did when. Flexible workers are many and short:
 * those that do not overlap share a row.
 */
import { type Graph, Instance, type Plan } from "@weft/core"
import { type Facts, type NodeFact, startingMs, type WorkerFact } from "@weft/metrics"

/** What a worker does. */
export type Kind = "cold" | "start" | "inputs" | "execution" | "publish" | "wait"

/** Something that takes its time. */
export interface Bar {
  readonly row: number
  readonly kind: Kind
  readonly fromMs: number
  readonly toMs: number
  /** What it is about: a node. */
  readonly label?: string | undefined
  /** Whether it lies on the critical path. */
  readonly critical: boolean
}

export interface Rows {
  readonly labels: ReadonlyArray<string>
  readonly bars: ReadonlyArray<Bar>
  /** Rows that are left out, since there are too many: those with the least work. */
  readonly hidden: number
}

/** Where something is drawn that has a row of its own, or any that is free. */
interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly name: string | undefined
}

/** Gives each span a row: those of a name share one, others take the first that is free. */
const place = (
  spans: ReadonlyArray<Span>
): { readonly rows: ReadonlyArray<number>; readonly labels: Array<string> } => {
  const labels = [...new Set(spans.flatMap(({ name }) => name ?? []))]
  const free: Array<number> = []
  const named = labels.length
  const order = spans.map((_, i) => i).sort((a, b) => spans[a]!.fromMs - spans[b]!.fromMs)
  const rows: Array<number> = new Array<number>(spans.length).fill(0)
  for (const i of order) {
    const { fromMs, name, toMs } = spans[i]!
    if (name !== undefined) {
      rows[i] = labels.indexOf(name)
      continue
    }
    const found = free.findIndex((until) => until <= fromMs)
    const lane = found < 0 ? free.length : found
    free[lane] = toMs
    rows[i] = named + lane
  }
  return {
    rows,
    labels: [...labels, ...free.map((_, lane) => (named === 0 ? `${lane + 1}` : `any ${lane + 1}`))]
  }
}

/** What a plan predicted; `undefined` if it predicted nothing. */
export const planned = (
  { timeline }: Plan.Plan,
  nameOf: (node: number) => string,
  most: number
): Rows | undefined => {
  if (timeline.length === 0) return undefined
  const spans = timeline.map(({ endMs, startMs, worker }) => ({ fromMs: startMs, toMs: endMs, name: worker }))
  const { labels, rows } = place(spans)
  const bars = timeline.map(
    ({ endMs, node, startMs }, i): Bar => ({
      row: rows[i]!,
      kind: "execution",
      fromMs: startMs,
      toMs: endMs,
      label: nameOf(node),
      critical: false
    })
  )
  return limit(labels, bars, most)
}

/** What happened. */
export const real = (
  { nodes, workers }: Facts,
  critical: ReadonlySet<NodeFact>,
  nameOf: (node: number) => string,
  most: number
): Rows => {
  const spans = workers.map((life) => ({
    fromMs: fromOf(life),
    toMs: life.endedMs,
    name: life.named ? life.worker : undefined
  }))
  const { labels, rows } = place(spans)
  const byWorker = Map.groupBy(nodes, ({ worker }) => worker)
  const bars = workers.flatMap((life, i) => barsOf(life, rows[i]!, byWorker.get(i) ?? [], critical, nameOf))
  return limit(labels, bars, most)
}

/** Where a worker's row begins: when it was being started. */
const fromOf = (life: WorkerFact): number => Math.min(startingMs(life) ?? life.beganMs, life.beganMs)

const barsOf = (
  life: WorkerFact,
  row: number,
  nodes: ReadonlyArray<NodeFact>,
  critical: ReadonlySet<NodeFact>,
  nameOf: (node: number) => string
): ReadonlyArray<Bar> => {
  const { beganMs, cold, endedMs, loadMs } = life
  const bars: Array<Bar> = []
  let at = fromOf(life)
  const bar = (kind: Kind, ms: number, isCritical: boolean, label?: string) => {
    if (ms > 0) bars.push({ row, kind, fromMs: at, toMs: at + ms, label, critical: isCritical })
    at += ms
  }
  bar(
    cold === true ? "cold" : "start",
    beganMs + loadMs - at,
    nodes.some((node) => critical.has(node))
  )
  for (const node of nodes) {
    const isCritical = critical.has(node)
    bar("wait", node.startedMs - at, false)
    at = node.startedMs
    const label = `${nameOf(Instance.nodeOf(node.instance))}#${node.instance}`
    bar("inputs", node.inputsMs, isCritical, label)
    bar("execution", node.executionMs, isCritical, label)
    bar("publish", node.publishMs, isCritical, label)
  }
  bar("wait", endedMs - at, false)
  return bars
}

/** The rows with the most work, in their order. */
const limit = (labels: ReadonlyArray<string>, bars: ReadonlyArray<Bar>, most: number): Rows => {
  if (labels.length <= most) return { labels, bars, hidden: 0 }
  const busy = new Float64Array(labels.length)
  for (const { critical, fromMs, kind, row, toMs } of bars) {
    if (kind === "execution") busy[row]! += toMs - fromMs
    // The critical path is always shown.
    if (critical) busy[row]! += 1e12
  }
  const kept = [...busy.keys()]
    .sort((a, b) => busy[b]! - busy[a]!)
    .slice(0, most)
    .sort((a, b) => a - b)
  const at = new Map(kept.map((row, i) => [row, i]))
  return {
    labels: kept.map((row) => labels[row]!),
    bars: bars.flatMap((bar) => (at.has(bar.row) ? [{ ...bar, row: at.get(bar.row)! }] : [])),
    hidden: labels.length - most
  }
}

/** Bars of one kind that are so short and close that they cannot be told apart become one. */
export const merged = (bars: ReadonlyArray<Bar>, smallestMs: number): ReadonlyArray<Bar> => {
  const result: Array<Bar> = []
  const last = new Map<string, number>()
  for (const bar of bars) {
    const key = `${bar.row} ${bar.kind} ${bar.critical}`
    const index = last.get(key)
    const before = index === undefined ? undefined : result[index]!
    if (before !== undefined && bar.toMs - bar.fromMs < smallestMs && bar.fromMs - before.toMs < smallestMs) {
      result[index!] = { ...before, toMs: Math.max(before.toMs, bar.toMs), label: undefined }
      continue
    }
    last.set(key, result.push(bar) - 1)
  }
  return result
}

/** The name of a node, from the graph if it was kept, else from what was measured. */
export const namesOf =
  (graph: Graph.Graph | undefined, { taskOf }: Facts) =>
  (node: number): string =>
    (graph !== undefined && node < graph.size ? graph.name(node) : taskOf(node)) ?? "node"
