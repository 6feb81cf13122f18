/**
 * What a plan says to people: when its nodes are expected to run, what the prediction rests on, and what it does not know.
 */
import type { Planner } from "@weft/core"
import { FLEXIBLE } from "./Assignment.ts"
import { FIGURES } from "./Environment.ts"
import type { Model } from "./Model.ts"
import type { Evaluated } from "./search/Search.ts"

/** Whether nothing is known of any task: no history, no hints. */
export const isUnknown = ({ graph, unknown }: Model): boolean => {
  const { tasks } = graph.columns
  return tasks.length > 0 && tasks.every(({ name }) => unknown.has(name))
}

/** Writes the expected timeline and the notes into a draft. */
export const explain = (model: Model, { assignment, timeline }: Evaluated, draft: Planner.Draft<never>) => {
  const { graph, unrolled } = model
  const predicted = []
  for (let node = 0; node < graph.size; node++) {
    if (unrolled.count[node] === 0) continue
    const own = assignment.worker[node]!
    // Of a node inside an `each`: from the first instance to the last.
    let startMs = Number.POSITIVE_INFINITY
    let endMs = 0
    const first = unrolled.first[node]!
    for (let i = first; i < first + unrolled.count[node]!; i++) {
      // What no target waits for may never run, or not to its end.
      if (timeline.place[i]! < 0) continue
      startMs = Math.min(startMs, timeline.startMs[i]!)
      endMs = Math.max(endMs, timeline.startMs[i]!, timeline.endMs[i]!)
    }
    if (Number.isFinite(startMs))
      predicted.push({ node, startMs, endMs, ...(own === FLEXIBLE ? {} : { worker: `w${own}` }) })
  }
  draft.predict(predicted)
  for (const note of [...basis(model), expectation(model, timeline)]) draft.note(note)
}

const expectation = ({ sla }: Model, { gbSeconds, makespanMs }: Evaluated["timeline"]) =>
  `predicted (${sla === "average" ? "on average" : `percentile ${sla}`}): ${Math.round(makespanMs)} ms, ${gbSeconds.toPrecision(3)} GB-seconds`

/** How far outside of what was measured is worth a note. */
const FAR = 2

/** So many tasks are named in a note. */
const NAMED = 5

const basis = (model: Model): ReadonlyArray<string> => {
  const { predictions, unknown } = model
  const notes: Array<string> = []
  let fewest: { readonly name: string; readonly samples: number } | undefined
  let farthest: { readonly name: string; readonly times: number } | undefined
  const hinted: Array<string> = []
  for (const [name, node] of representatives(model)) {
    const inputBytes = model.inputBytes[node]!
    const known = predictions.executionMs(name, { inputBytes, memory: model.environment.memorySizes[0]! })
    if (known === undefined || known.basis === "hint") {
      if (!unknown.has(name)) hinted.push(name)
      continue
    }
    if (fewest === undefined || known.samples < fewest.samples) fewest = { name, samples: known.samples }
    const sized = predictions.executionMs(name, { inputBytes })
    const times = sized?.extrapolation ?? 1
    if (farthest === undefined || times > farthest.times) farthest = { name, times }
  }
  if (fewest !== undefined)
    notes.push(
      `predictions rest on ${predictions.runs} runs of this workflow, and on ${fewest.samples} measurements or more of each known task (fewest: ${fewest.name})`
    )
  if (hinted.length > 0) notes.push(`only hints are known of: ${some(hinted)}`)
  if (unknown.size > 0)
    notes.push(
      `nothing is known of: ${some([...unknown])}; counted with ${FIGURES.executionMs} ms for each call`
    )
  if (farthest !== undefined && farthest.times >= FAR)
    notes.push(
      `${farthest.name} is predicted for inputs ${farthest.times.toPrecision(2)} times outside of what was measured`
    )
  return notes
}

const some = (names: ReadonlyArray<string>) =>
  names.length <= NAMED
    ? names.join(", ")
    : `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`

/** The node with the largest inputs of each task. */
const representatives = ({ graph, inputBytes }: Model): ReadonlyMap<string, number> => {
  const largest = new Map<string, number>()
  for (let id = 0; id < graph.size; id++) {
    if (graph.kind(id) !== "call") continue
    const known = largest.get(graph.name(id))
    if (known === undefined || inputBytes[id]! > inputBytes[known]!) largest.set(graph.name(id), id)
  }
  return largest
}

/** What a planner says that had nothing to go by. */
export const UNKNOWN_NOTE =
  "nothing is known of any task, no history and no hints: all workers are flexible and have the middle memory size"

/** The middle one of the memory sizes, in MiB. */
export const middle = ({ environment: { memorySizes } }: Model): number =>
  memorySizes[Math.floor(memorySizes.length / 2)]!
