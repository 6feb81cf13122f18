/**
 * Where the time of a run went: along its critical path, from the end back to the begin. At each moment the path is somewhere:
 * in a stage of the node that the end waited for, or on the way to that node from the parent that completed last. So the parts
 * add up to the makespan.
 *
 * All clocks are of one machine.
 */
import type { Graph } from "@weft/core"
import type { InvocationRecord } from "@weft/lambda-local"
import type { Life, Stage } from "./timed.ts"

/** What the path may be doing, in the order in which a node meets it. */
export const parts = [
  "client invokes",
  "Lambda: request, queue",
  "start: environment, process",
  "start: Node.js",
  "start: runtime, import",
  "handler: read, connect, adopt",
  "worker, between stages",
  "waiting for the worker",
  "inputs",
  "user code",
  "publish",
  "complete",
  "hand-off"
] as const
export type Part = (typeof parts)[number]

/** What each part took, in ms. */
export type Parts = Readonly<Record<Part, number>>

/** What there is to know about a run whose instances are the nodes of its graph. */
export interface Traced {
  readonly graph: Graph.Graph
  readonly lives: ReadonlyArray<Life>
  readonly records: ReadonlyArray<InvocationRecord>
  /** By the store's clock, in ms since the epoch. */
  readonly begunAt: number
  readonly endedAt: number
}

/** A time of a worker, in ms since the epoch. */
interface Interval {
  readonly begin: number
  readonly end: number
}

/** A node's stages, and the worker that ran it. */
interface Visit {
  readonly life: Life
  readonly stages: ReadonlyMap<Stage, Interval>
}

/** Takes time off the end of what is not explained yet. */
class Account {
  readonly parts = Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>
  readonly begunAt: number
  /** All after this is explained. */
  at: number

  constructor({ begunAt, endedAt }: Traced) {
    this.begunAt = begunAt
    this.at = endedAt
  }

  /** The path did this since then. Where clocks differ by less than a ms, it may be that it took no time. */
  since(begin: number, part: Part): void {
    const from = Math.max(begin, this.begunAt)
    if (from >= this.at) return
    this.parts[part] += this.at - from
    this.at = from
  }

  /** It did `part` since then; but what `others` covers was something else. */
  sinceExcept(begin: number, part: Part, others: ReadonlyArray<Interval>, other: Part): void {
    for (const one of others.toSorted((a, b) => b.end - a.end)) {
      if (one.begin >= this.at || one.end <= begin) continue
      this.since(one.end, part)
      this.since(Math.max(one.begin, begin), other)
    }
    this.since(begin, part)
  }
}

/** How a run's makespan is made up. */
export const explain = (traced: Traced): Parts => {
  const { graph } = traced
  const visits = visitsOf(traced.lives)
  const account = new Account(traced)
  let node = last([...graph.targets], visits)
  let child: Visit | undefined
  while (node !== undefined) {
    const visit = visits.get(node)!
    after(account, visit, child)
    during(account, visit)
    node = last(parentsOf(graph, node), visits)
    const before = node === undefined ? undefined : visits.get(node)!
    if (before?.life !== visit.life) reach(account, visit, before, traced.records)
    child = visit
  }
  account.since(account.begunAt, "client invokes")
  return account.parts
}

const visitsOf = (lives: ReadonlyArray<Life>): ReadonlyMap<number, Visit> => {
  const visits = new Map<number, { life: Life; stages: Map<Stage, Interval> }>()
  for (const life of lives) {
    for (const { begin, end, instance, stage } of life.spans) {
      if (typeof instance !== "number" || stage === "handOff") continue
      const known = visits.get(instance) ?? { life, stages: new Map() }
      visits.set(instance, known)
      if (known.life === life) known.stages.set(stage, { begin, end })
    }
  }
  return visits
}

const parentsOf = ({ parents }: Graph.Graph, node: number) =>
  parents.list.slice(parents.start[node], parents.start[node + 1])

/** The node that was published last. */
const last = (nodes: ArrayLike<number>, visits: ReadonlyMap<number, Visit>): number | undefined =>
  Array.from(nodes)
    .filter((node) => visits.has(node))
    .toSorted((a, b) => endOf(visits.get(b)!) - endOf(visits.get(a)!))[0]

const stageOf = ({ stages }: Visit, stage: Stage): Interval => {
  const found = stages.get(stage)
  if (found === undefined) throw new Error(`nobody has seen the stage ${stage}`)
  return found
}

const endOf = (visit: Visit): number => stageOf(visit, "publish").end

const spansOf = ({ spans }: Life, stage: Stage): ReadonlyArray<Interval> =>
  spans.filter((span) => span.stage === stage)

/** From the publication of a node to what the path did next: its child in the same worker, or the invocation of another. */
const after = (account: Account, visit: Visit, child: Visit | undefined): void => {
  const { life } = visit
  const published = endOf(visit)
  const handOffs = spansOf(life, "handOff")
  if (child === undefined || child.life !== life) {
    const sending = handOffs.find(({ begin, end }) => begin <= account.at + 1 && end >= account.at - 1)
    if (child !== undefined && sending !== undefined)
      account.since(Math.max(sending.begin, published), "hand-off")
    account.since(published, "complete")
    return
  }
  const told = stageOf(visit, "complete").end
  account.sinceExcept(told, "worker, between stages", busy(life), "waiting for the worker")
  account.sinceExcept(published, "complete", handOffs, "hand-off")
}

const busy = (life: Life): ReadonlyArray<Interval> => spansOf(life, "execute")

/** A node's stages up to its publication. */
const during = (account: Account, visit: Visit): void => {
  account.since(stageOf(visit, "publish").begin, "publish")
  const execute = stageOf(visit, "execute")
  account.since(execute.end, "worker, between stages")
  account.since(execute.begin, "user code")
  const inputs = stageOf(visit, "inputs")
  account.since(inputs.end, "worker, between stages")
  account.since(inputs.begin, "inputs")
}

/** From the moment at which a worker was invoked to the node's begin. */
const reach = (
  account: Account,
  { life }: Visit,
  before: Visit | undefined,
  records: ReadonlyArray<InvocationRecord>
): void => {
  const start = spansOf(life, "start")[0]
  const record = start === undefined ? undefined : recordOf(life, start.begin, records)
  if (start === undefined || record === undefined) throw new Error(`no invocation was ${life.worker}'s`)
  // It was there already: the path waited for word of the parent.
  if (before !== undefined && record.receivedAt < Math.floor(endOf(before))) return
  account.sinceExcept(start.end, "worker, between stages", busy(life), "waiting for the worker")
  account.since(start.begin, "hand-off")
  const { cold } = life
  if (cold !== undefined && record.start === "cold") {
    account.since(cold.importedAt, "handler: read, connect, adopt")
    account.since(cold.nodeAt, "start: runtime, import")
    account.since(cold.processAt, "start: Node.js")
    account.since(record.receivedAt + record.queuedMs, "start: environment, process")
  } else account.since(record.receivedAt + record.queuedMs, "handler: read, connect, adopt")
  account.since(record.receivedAt, "Lambda: request, queue")
}

/** An environment has one invocation at a time: a worker's is the last that had begun before it. */
const recordOf = (
  { environment }: Life,
  at: number,
  records: ReadonlyArray<InvocationRecord>
): InvocationRecord | undefined =>
  records
    .filter((record) => record.environment === environment && record.receivedAt + record.queuedMs <= at + 1)
    .toSorted((a, b) => b.receivedAt + b.queuedMs - a.receivedAt - a.queuedMs)[0]
