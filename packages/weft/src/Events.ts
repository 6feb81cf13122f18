/**
 * What happens in a run, as people and programs may follow it.
 */
import { type Graph, Instance, type InstanceId } from "@weft/core"
import type { Measure, Message, RunStatus } from "@weft/storage"
import type { ReachNotice } from "@weft/worker"

/** A node that is complete. */
export interface CompletedNode {
  /** As people know it: `blur#17[3]`. */
  readonly node: string
  readonly task: string
  readonly measure: Measure
}

/** Something that happened in a run. Events are hints: how a run ends is what its result says. */
export type RunEvent =
  | { readonly type: "started"; readonly worker: string; readonly node: string; readonly task: string }
  | {
      readonly type: "completed"
      readonly worker: string
      readonly nodes: ReadonlyArray<CompletedNode>
      /** How many nodes there are, as far as lists have been computed. */
      readonly total: number
    }
  | {
      readonly type: "retry"
      readonly worker: string
      readonly node: string
      readonly tries: number
      readonly error: string
    }
  | {
      readonly type: "output"
      readonly worker: string
      readonly node: string
      readonly stream: "stdout" | "stderr"
      readonly text: string
    }
  | { readonly type: "lost"; readonly worker: string; readonly nodes: number; readonly reason: string }
  /** How far the run is by the store's account, where that is more than events have told. */
  | { readonly type: "progress"; readonly completed: number; readonly total: number }
  | ReachNotice
  /** `makespanMs` as in the run's summary; absent if the run was removed before it was seen how it ended. */
  | { readonly type: "ended"; readonly status: RunStatus; readonly makespanMs?: number | undefined }

/** What a run's client hears: from the store's channel, and from the store's answers. */
export type Notice =
  | Exclude<Message, { readonly type: ReachNotice["type"] }>
  | Extract<RunEvent, { readonly type: "progress" }>
  | ReachNotice

/** An event from what a client hears; `undefined` for what concerns workers only. */
export const fromNotice = (graph: Graph.Graph, message: Notice): RunEvent | undefined => {
  const task = (instance: InstanceId) => graph.name(Instance.nodeOf(instance))
  const label = (instance: InstanceId) => Instance.label(task(instance), instance)
  switch (message.type) {
    case "wake":
    case "kept":
      return undefined
    case "started":
      return {
        type: "started",
        worker: message.worker,
        node: label(message.instance),
        task: task(message.instance)
      }
    case "completed":
      return {
        type: "completed",
        worker: message.worker,
        nodes: message.completions.map(({ instance, measure }) => ({
          node: label(instance),
          task: task(instance),
          measure
        })),
        total: message.instances
      }
    case "retry":
      return {
        type: "retry",
        worker: message.worker,
        node: label(message.instance),
        tries: message.tries,
        error: message.error
      }
    case "output":
      return {
        type: "output",
        worker: message.worker,
        node: label(message.instance),
        stream: message.stream,
        text: message.text
      }
    case "lost":
      return { type: "lost", worker: message.worker, nodes: message.instances, reason: message.reason }
    case "progress":
    case "reachable":
    case "unreachable":
    case "ended":
      return message
  }
}
