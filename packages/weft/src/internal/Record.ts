/**
 * Remembers a run that has ended, for plans to be made from: what its workers measured is read, put together, and recorded
 * with its plan. `Remembering.ts` says when, and what becomes of errors.
 */
import { type Environment, type Graph, GraphCodec, Plan } from "@weft/core"
import { Collected, Details, Learning, totals } from "@weft/metrics"
import { History, type RunRecord, type RunState, type StoreError, type UploadStrategy } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Summary } from "../Summary.ts"
import type { Party } from "./Party.ts"
import type { Planned } from "./Planning.ts"

/** What is measured, and what is made of it. */
export interface Settings {
  /** `undefined` if workers measure nothing. */
  readonly metrics: UploadStrategy | undefined
  /** What was expected of the run. Default: nothing. */
  readonly expectation?: Planned["expectation"]
  /** What was known of where workers would run. */
  readonly environment?: Environment | undefined
}

/** For how long batches of workers that are just stopping are waited for, in ms: of a run that succeeded, and of others. */
const PATIENCE_MS = { succeeded: 2000, failed: 200, cancelled: 200 }
const FIRST_PAUSE_MS = 2
/** A node takes at least so many bytes: graphs of more nodes need not be encoded to see that they are too large. */
const NODE_BYTES = 3

/** Remembers a run. */
export const remembering =
  (party: Party, settings: Settings) =>
  (summary: Summary, state: RunState): Effect.Effect<void, StoreError, History> =>
    remember(party, settings, summary, state)

const remember = Effect.fnUntraced(function* (
  { graph, plan, tally }: Party,
  { environment, expectation = Effect.succeed(undefined), metrics }: Settings,
  summary: Summary,
  state: RunState
) {
  const { engine, makespanMs, planner, run, status, workflow } = summary
  if (status === "running" || status === "gone") return
  const history = yield* History
  const signature = GraphCodec.signature(graph)
  const known = { run, workflow, signature, planner, engine, status, begunAt: state.begunAt, makespanMs }
  const base = {
    version: 2 as const,
    ...known,
    instances: state.completed
  }
  const collected =
    metrics === undefined ? new Collected() : yield* collect(run, state.completed, PATIENCE_MS[status])
  if (collected.completed === 0) {
    if (!tally.isPartial) yield* history.record({ ...base, ...told(summary) })
    return
  }
  const { concurrency, warm } = environment ?? {}
  const facts = { ...collected.facts({ ...known, graph, concurrency }), isFresh: warm === "none" }
  const record = { ...base, tasks: collected.tasks(graph), ...totals(facts.workers) } satisfies RunRecord
  const kept = smallGraph(graph)
  const details = (shown: Plan.Plan) => Details.encode({ plan: Plan.encode(shown), graph: kept, facts })
  yield* history.record(record, details(plan))
  yield* Learning.learn(facts)
  // It takes a while, and the process may end before: so what was measured comes first.
  const expected = yield* expectation
  if (expected === undefined) return
  const { calibration, predicted, timeline } = expected
  yield* history.record({ ...record, predicted }, details({ ...plan, timeline }))
  if (calibration !== undefined) yield* Learning.calibrate(facts, calibration)
})

/** What messages told, where nothing was measured. */
const told = ({ bytesRead, bytesWritten, tasks }: Summary) => ({
  tasks,
  workers: [],
  gbSeconds: 0,
  bytesRead,
  bytesWritten,
  roundTrips: 0
})

/** Reads what workers uploaded, until it says of as many nodes as are complete. */
const collect = Effect.fnUntraced(function* (run: string, completed: number, patienceMs: number) {
  const history = yield* History
  const collected = new Collected()
  const until = performance.now() + patienceMs
  let read = 0
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const batches = yield* history.batches(run)
    for (const batch of batches.slice(read)) collected.add(batch)
    read = batches.length
    if (collected.completed >= completed || performance.now() + pauseMs > until) return collected
    yield* Effect.sleep(pauseMs)
  }
})

/** The graph without its constants, if it is small. */
const smallGraph = (graph: Graph.Graph): Uint8Array | undefined => {
  if (graph.size * NODE_BYTES > Details.GRAPH_BYTES) return undefined
  const { bytes } = GraphCodec.encode(graph, 0)
  return bytes.length <= Details.GRAPH_BYTES ? bytes : undefined
}
