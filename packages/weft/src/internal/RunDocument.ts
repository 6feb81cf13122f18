/**
 * A run's document: what others need to join the run. Written by who begins it, read by who attaches to it.
 */
import { type Behaviour, type Graph, GraphCodec, Plan } from "@weft/core"
import { Coordination, type RunDocument, type UploadStrategy } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Job } from "./Job.ts"
import { UnknownRun, UnreadableRun } from "./RunErrors.ts"

/** A run's document, and the constants that are too large for it. */
export interface Encoded {
  readonly document: RunDocument
  readonly stored: GraphCodec.Encoded["stored"]
}

/** The graph and plan as bytes, made when they are first asked for. */
export const encodeOnce = (
  job: Job,
  plan: Plan.Plan,
  behaviours: ReadonlyArray<Behaviour.Behaviour>,
  metrics: UploadStrategy | undefined
): (() => Encoded) => {
  const make = (): Encoded => {
    const { bytes, stored } = GraphCodec.encode(job.graph)
    const document = {
      graph: bytes,
      plan: Plan.encode(plan),
      module: job.module ?? "",
      behaviours: behaviours.map(({ annotation, module }) => ({ module, annotation: annotation.annotation })),
      metrics
    }
    return { document, stored }
  }
  let made: Encoded | undefined
  return () => (made ??= make())
}

/** Loads a run's document. `module` is `undefined` if it was not known. */
export const load = Effect.fnUntraced(function* (run: string) {
  const coordination = yield* Coordination
  const document = yield* coordination.load(run)
  if (document === undefined) return yield* new UnknownRun({ run })
  return { ...document, module: document.module === "" ? undefined : document.module }
})

/** The graph and plan of a document. */
export const decode = (
  run: string,
  document: Pick<RunDocument, "graph" | "plan">
): Effect.Effect<{ readonly graph: Graph.Graph; readonly plan: Plan.Plan }, UnreadableRun> =>
  Effect.try({
    try: () => {
      const graph = GraphCodec.decode(document.graph)
      const plan = Plan.decode(document.plan)
      Plan.check(plan, graph, [])
      return { graph, plan }
    },
    catch: (cause) =>
      new UnreadableRun({ run, problem: cause instanceof Error ? cause.message : String(cause) })
  })
