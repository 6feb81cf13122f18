/**
 * Records of runs that have ended, for plans to be made from.
 */
import { type Graph, GraphCodec } from "@weft/core"
import { History, type RunState } from "@weft/storage"
import { Effect } from "effect"
import type { Summary } from "../Summary.ts"

/** Remembers a run that has ended. */
export const remember = Effect.fnUntraced(function* (summary: Summary, state: RunState, graph: Graph.Graph) {
  if (summary.status === "running" || summary.status === "gone") return
  const history = yield* History
  yield* history.record({
    version: 2,
    run: summary.run,
    workflow: summary.workflow,
    signature: GraphCodec.signature(graph),
    planner: summary.planner,
    engine: summary.engine,
    status: summary.status,
    begunAt: state.begunAt,
    makespanMs: summary.makespanMs,
    instances: summary.completed,
    tasks: summary.tasks,
    workers: [],
    gbSeconds: 0,
    bytesRead: summary.bytesRead,
    bytesWritten: summary.bytesWritten,
    roundTrips: 0
  })
})
