/**
 * What decided when a run was over: from the node that was complete last back to the beginning, each time to what the node
 * had to wait for last: the input that came last, or the node before it on the same worker.
 */
import { Graph, Instance } from "@weft/core"
import { type Facts, type NodeFact, startingMs } from "@weft/metrics"

/** One step, and what had happened between the step before and it. */
export interface Step {
  readonly fact: NodeFact
  /** Of the time since the step before, what its worker took to start; of an environment that was started for it or not. */
  readonly startMs: number
  readonly cold: boolean
  /** The rest of that time: telling the store, handing on, waiting for a place. */
  readonly gapMs: number
}

const endOf = ({ executionMs, inputsMs, publishMs, startedMs }: NodeFact): number =>
  startedMs + inputsMs + executionMs + publishMs

/** The steps, the first first. Without a graph inputs are not known, and only a worker's own nodes lead back. */
export const of = (facts: Facts, graph: Graph.Graph | undefined): ReadonlyArray<Step> => {
  const byNode = Map.groupBy(facts.nodes, ({ instance }) => Instance.nodeOf(instance))
  const before = previousOnWorker(facts)
  const steps: Array<Step> = []
  const seen = new Set<NodeFact>()
  let at = latest(facts.nodes)
  while (at !== undefined && !seen.has(at)) {
    seen.add(at)
    const cause = causeOf(at, before.get(at), graph, byNode)
    steps.push(step(facts, at, cause))
    at = cause
  }
  return steps.reverse()
}

const latest = (facts: ReadonlyArray<NodeFact>): NodeFact | undefined =>
  facts.reduce<NodeFact | undefined>(
    (last, one) => (last === undefined || endOf(one) > endOf(last) ? one : last),
    undefined
  )

const previousOnWorker = ({ nodes }: Facts): ReadonlyMap<NodeFact, NodeFact> => {
  const previous = new Map<NodeFact, NodeFact>()
  const last = new Map<number, NodeFact>()
  for (const fact of nodes) {
    const before = last.get(fact.worker)
    if (before !== undefined) previous.set(fact, before)
    last.set(fact.worker, fact)
  }
  return previous
}

const causeOf = (
  fact: NodeFact,
  previous: NodeFact | undefined,
  graph: Graph.Graph | undefined,
  byNode: ReadonlyMap<number, ReadonlyArray<NodeFact>>
): NodeFact | undefined => {
  const node = Instance.nodeOf(fact.instance)
  const indices = Instance.indicesOf(fact.instance)
  const parents = graph === undefined || node >= graph.size ? [] : Graph.neighbours(graph.parents, node)
  const candidates = [...parents].flatMap((parent) =>
    (byNode.get(parent) ?? []).filter(({ instance }) => fits(Instance.indicesOf(instance), indices))
  )
  if (previous !== undefined) candidates.push(previous)
  // Clocks of different machines may be off by a little.
  return latest(candidates.filter((one) => one.startedMs < fact.startedMs))
}

/** Whether two instances are of the same elements, as far as both are of any. */
const fits = (one: Instance.Indices, other: Instance.Indices): boolean =>
  one.every((index, i) => i >= other.length || index === other[i])

const step = ({ workers }: Facts, fact: NodeFact, cause: NodeFact | undefined): Step => {
  const since = cause === undefined ? 0 : endOf(cause)
  const passedMs = Math.max(0, fact.startedMs - since)
  const life = workers[fact.worker]
  const began = life === undefined ? 0 : life.beganMs + life.loadMs
  const from = Math.max(since, (life === undefined ? undefined : startingMs(life)) ?? since)
  const startMs =
    life === undefined || began > fact.startedMs + 1 ? 0 : Math.min(passedMs, Math.max(0, began - from))
  return { fact, startMs, cold: life?.cold === true, gapMs: passedMs - startMs }
}

/** What the time on the path went to, in ms. What is not explained is what the store, handing on and queues took. */
export const spent = (steps: ReadonlyArray<Step>, makespanMs: number) => {
  const sum = { coldMs: 0, startMs: 0, inputsMs: 0, executionMs: 0, publishMs: 0 }
  for (const { cold, fact, startMs } of steps) {
    sum[cold ? "coldMs" : "startMs"] += startMs
    sum.inputsMs += fact.inputsMs
    sum.executionMs += fact.executionMs
    sum.publishMs += fact.publishMs
  }
  const explained = sum.coldMs + sum.startMs + sum.inputsMs + sum.executionMs + sum.publishMs
  return { ...sum, unexplainedMs: Math.max(0, makespanMs - explained) }
}
