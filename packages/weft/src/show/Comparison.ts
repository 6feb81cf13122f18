/**
 * A run's plan against what became of it, in numbers.
 */
import { GraphCodec, Instance, Plan } from "@weft/core"
import { type Details, type Facts, type NodeFact, startingMs } from "@weft/metrics"
import type { RunRecord } from "@weft/storage"
import * as CriticalPath from "./CriticalPath.ts"
import { namesOf } from "./Rows.ts"

/** The calls of one task. */
export interface TaskRow {
  readonly task: string
  readonly calls: number
  /** What the plan expected of a call, transfers included; `undefined` if it did not say. In ms. */
  readonly plannedMs: number | undefined
  readonly meanMs: number
  readonly executionMs: number
  readonly longestMs: number
}

/** One life of a worker. */
export interface WorkerRow {
  readonly worker: string
  readonly memory: number | undefined
  readonly cold: boolean | undefined
  readonly nodes: number
  /** From its invocation until it worked; `undefined` if nobody said when it was invoked. */
  readonly startMs: number | undefined
  /** In its nodes, transfers included; what the plan expected of them; and without anything to do. */
  readonly busyMs: number
  readonly plannedMs: number | undefined
  readonly waitingMs: number
}

/** A node that took longer, or shorter, than was planned. */
export interface Deviation {
  readonly node: string
  readonly worker: string
  readonly plannedMs: number
  readonly realMs: number
}

export interface Comparison {
  readonly run: string
  readonly workflow: string
  readonly status: string
  readonly planner: string
  readonly engine: string
  readonly makespanMs: number
  /** The end of the plan's timeline; `undefined` if it has none. */
  readonly plannedMs: number | undefined
  readonly nodes: number
  readonly notes: ReadonlyArray<string>
  readonly coldStarts: number
  /** What was here before it was asked for, and how long fetching it took meanwhile. */
  readonly preloaded: { readonly bytes: number; readonly ms: number }
  readonly prewarmed: number
  /** What decided the makespan, by what the time went to. */
  readonly critical: ReturnType<typeof CriticalPath.spent> & { readonly nodes: ReadonlyArray<string> }
  readonly tasks: ReadonlyArray<TaskRow>
  readonly workers: ReadonlyArray<WorkerRow>
  /** The largest first; at most 10. */
  readonly deviations: ReadonlyArray<Deviation>
}

const MOST_DEVIATIONS = 10

/** What was recorded of a run, made ready to be shown. */
export interface Recorded {
  readonly facts: Facts
  readonly plan: Plan.Plan
  readonly path: ReadonlyArray<CriticalPath.Step>
  readonly nameOf: (node: number) => string
  /** Whether the graph was kept: else the critical path knows of no inputs. */
  readonly hasGraph: boolean
}

/** @throws {Codec.Undecodable | GraphCodec.InvalidGraph} if another version wrote the plan or the graph */
export const read = ({ facts, graph: bytes, plan }: Details.Details): Recorded => {
  const graph = bytes === undefined ? undefined : GraphCodec.decode(bytes)
  return {
    facts,
    plan: Plan.decode(plan),
    path: CriticalPath.of(facts, graph),
    nameOf: namesOf(graph, facts),
    hasGraph: graph !== undefined
  }
}

/** Lays plan and reality side by side. */
export const make = ({ facts, nameOf, path, plan }: Recorded, record: RunRecord): Comparison => {
  const { nodes, workers } = facts
  const planned = new Map(plan.timeline.map(({ endMs, node, startMs }) => [node, endMs - startMs]))
  const plannedOf = ({ instance }: NodeFact) => planned.get(Instance.nodeOf(instance))
  const label = ({ instance }: NodeFact) => Instance.label(nameOf(Instance.nodeOf(instance)), instance)
  const byWorker = Map.groupBy(nodes, ({ worker }) => worker)
  return {
    run: record.run,
    workflow: record.workflow,
    status: record.status,
    planner: record.planner,
    engine: record.engine,
    makespanMs: record.makespanMs,
    plannedMs: plan.timeline.length === 0 ? undefined : Math.max(...plan.timeline.map(({ endMs }) => endMs)),
    nodes: record.instances,
    notes: plan.notes,
    coldStarts: workers.filter(({ cold }) => cold === true).length,
    preloaded: {
      bytes: total(nodes, ({ preloadedBytes }) => preloadedBytes),
      ms: total(nodes, ({ preloadedMs }) => preloadedMs)
    },
    prewarmed: workers.reduce((sum, { prewarmed }) => sum + prewarmed, 0),
    critical: {
      ...CriticalPath.spent(path, record.makespanMs),
      nodes: path.map(({ fact }) => label(fact))
    },
    tasks: tasksOf(nodes, nameOf, plannedOf),
    workers: workers.map((life, i) => {
      const { beganMs, cold, endedMs, loadMs, memory, worker } = life
      const from = startingMs(life)
      const own = byWorker.get(i) ?? []
      const busyMs = total(own, busyOf)
      const expected = own.map(plannedOf).filter((ms) => ms !== undefined)
      return {
        worker,
        memory,
        cold,
        nodes: own.length,
        startMs: from === undefined ? undefined : Math.max(0, beganMs + loadMs - from),
        busyMs,
        plannedMs: expected.length === 0 ? undefined : expected.reduce((sum, ms) => sum + ms, 0),
        waitingMs: Math.max(0, endedMs - beganMs - loadMs - busyMs)
      }
    }),
    deviations: nodes
      .flatMap((fact) => {
        const plannedMs = plannedOf(fact)
        const worker = workers[fact.worker]?.worker ?? ""
        return plannedMs === undefined ? [] : [{ node: label(fact), worker, plannedMs, realMs: busyOf(fact) }]
      })
      .sort((a, b) => Math.abs(b.realMs - b.plannedMs) - Math.abs(a.realMs - a.plannedMs))
      .slice(0, MOST_DEVIATIONS)
  }
}

const busyOf = ({ executionMs, inputsMs, publishMs }: NodeFact): number => inputsMs + executionMs + publishMs

/** A sum over all nodes, also those that a sample stands for. */
const total = (nodes: ReadonlyArray<NodeFact>, of: (fact: NodeFact) => number): number =>
  nodes.reduce((sum, fact) => sum + of(fact) * (fact.weight ?? 1), 0)

const tasksOf = (
  nodes: ReadonlyArray<NodeFact>,
  nameOf: (node: number) => string,
  plannedOf: (fact: NodeFact) => number | undefined
): ReadonlyArray<TaskRow> =>
  [...Map.groupBy(nodes, ({ instance }) => nameOf(Instance.nodeOf(instance)))]
    .map(([task, own]): TaskRow => {
      const calls = Math.round(total(own, () => 1))
      const expected = own.filter((fact) => plannedOf(fact) !== undefined)
      const expectedCalls = total(expected, () => 1)
      return {
        task,
        calls,
        plannedMs:
          expectedCalls === 0 ? undefined : total(expected, (fact) => plannedOf(fact) ?? 0) / expectedCalls,
        meanMs: total(own, busyOf) / calls,
        executionMs: total(own, ({ executionMs }) => executionMs),
        longestMs: own.reduce((most, fact) => Math.max(most, busyOf(fact)), 0)
      }
    })
    .sort((a, b) => b.executionMs - a.executionMs)
