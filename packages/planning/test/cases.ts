/** Random graphs, predictions and assignments, by seed: what the fast model and the simulator are compared on. */

import { Preload, Prewarm, preloading, prewarming } from "@weft/annotations"
import {
  type Behaviour,
  GraphBuilder,
  type Node,
  type Plan,
  Planner,
  Predictions,
  planner,
  task
} from "@weft/core"
import { generator } from "@weft/worker/virtual"
import * as Effect from "effect/Effect"
import { Assignment, type Environment, Model } from "../src/index.ts"

const TASKS = 6
const tasks = Array.from({ length: TASKS }, (_, i) =>
  task(`t${i}`, (...values: ReadonlyArray<unknown>) => values.length)
)

/** A prediction that has no spread, or one of ± `spread` around the mean. */
export const prediction = (mean: number, spread = 0): Predictions.Prediction => ({
  mean,
  percentile: (p) => mean * (1 + spread * (2 * p - 1)),
  samples: 100,
  basis: "measured",
  extrapolation: 1
})

export interface Figures {
  readonly executionMs: (task: string) => number
  readonly outputBytes: (task: string) => number
  readonly spread?: number
  readonly callMs?: number
  readonly coldMs?: number
  readonly warm?: number
}

/** Predictions of given figures: memory below one core makes tasks slower. */
export const predictions = ({
  callMs = 1,
  coldMs = 300,
  executionMs,
  outputBytes,
  spread = 0,
  warm = 0
}: Figures): Predictions.Predictions => ({
  ...Predictions.none,
  executionMs: (name, { memory = 1769 }) =>
    prediction(executionMs(name) * Math.max(1, 1769 / memory), spread),
  outputBytes: (name) => prediction(outputBytes(name)),
  transferMs: (_, bytes) => prediction(8 + bytes / 60_000, spread),
  startMs: (start) => prediction(start === "cold" ? coldMs : 15, spread),
  invokeMs: () => prediction(10),
  coordinationMs: () => prediction(callMs),
  warm: () => warm
})

export type Kind = "flexible" | "named" | "mixed" | "preload"
export const kinds: ReadonlyArray<Kind> = ["flexible", "named", "mixed", "preload"]

export interface Case {
  readonly graph: ReturnType<typeof GraphBuilder.make>["graph"]
  readonly predictions: Predictions.Predictions
  readonly environment: Environment.Environment
  readonly assignment: Assignment.Assignment
  readonly plan: Plan.Plan
}

/** A random layered graph of up to `most` nodes. */
const randomGraph = (random: () => number, most: number) => {
  const upTo = (n: number) => Math.floor(random() * n)
  const nodes: Array<Node<unknown>> = []
  const count = 3 + upTo(most - 3)
  const reach = 1 + upTo(Math.max(2, count / 2))
  const roots = 1 + upTo(6)
  for (let i = 0; i < count; i++) {
    const inputs = new Set<Node<unknown>>()
    if (i >= roots)
      for (let k = 1 + upTo(random() < 0.7 ? 2 : 4); k > 0; k--)
        inputs.add(nodes[Math.max(0, i - 1 - upTo(reach))]!)
    nodes.push(tasks[upTo(TASKS)]!(...inputs))
  }
  return GraphBuilder.make(
    nodes.filter((_, i) => i >= count - 1 - upTo(3)),
    "random"
  ).graph
}

export const randomCase = (seed: number, kind: Kind, most = 80): Case => {
  const random = generator(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const graph = randomGraph(random, most)
  const scale = [5, 50, 500, 3000][upTo(4)]!
  const durations = tasks.map(() => scale * (0.2 + 2 * random()))
  const bytes = tasks.map(() => (random() < 0.6 ? 1000 * random() : 20_000_000 * random()))
  const index = (name: string) => Number(name.slice(1))
  const known = predictions({
    executionMs: (name) => durations[index(name)]!,
    outputBytes: (name) => bytes[index(name)]!,
    warm: random() < 0.5 ? 0 : upTo(10)
  })
  const environment = {
    ...(random() < 0.3 ? { concurrency: 2 + upTo(6) } : {}),
    ...(random() < 0.25 ? { cores: 1 + upTo(4) } : {})
  }
  const assignment = Assignment.flexible(graph, [512, 1024, 1769][upTo(3)]!)
  const workers = 1 + upTo(6)
  if (kind !== "flexible")
    for (let id = 0; id < graph.size; id++) {
      if (kind === "mixed" && random() < 0.5) continue
      assignment.worker[id] = upTo(workers)
      if (kind === "preload") assignment.preload[id] = 1
    }
  return { graph, predictions: known, environment, assignment, plan: planOf(graph, assignment) }
}

export const behaviours: ReadonlyArray<Behaviour.Behaviour> = [preloading, prewarming]

/** The plan that an assignment is written as. */
const planOf = (graph: Case["graph"], assignment: Assignment.Assignment): Plan.Plan =>
  Effect.runSync(
    Planner.run(
      planner({
        name: "given",
        annotations: [Preload, Prewarm],
        plan: ({ draft }) => Assignment.draft(assignment, draft)
      }),
      graph,
      Predictions.none
    )
  )

export const modelOf = ({ environment, graph, predictions }: Case): Model.Model =>
  Model.make(graph, predictions, { environment })
