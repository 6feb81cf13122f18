/**
 * Prewarming: workers that begin later find an environment that has been started for them, if the run gets shorter.
 *
 * What is needed at a time is started so much earlier as a start takes, while a node of a named worker runs that has begun
 * by then, the latest there is.
 */
import type { PrewarmOptions } from "@weft/annotations"
import { copy, FLEXIBLE } from "../Assignment.ts"
import { isShorter, type Search } from "./Search.ts"
import { NO_SLACK_MS, slack } from "./Slack.ts"

/** So much of a cold start is left in between, for starts that take longer than predicted. */
const MARGIN = 0.1

/** Workers that one completion starts, all of one memory size. */
interface Starts {
  readonly memory: number
  readonly atMs: number
  readonly workers: number
  /** The least slack of what they run first. */
  readonly slackMs: number
}

/** Adds prewarming as long as the run gets shorter. */
export const prewarms = (search: Search): void => {
  const tried = new Set<string>()
  while (search.left > 0) {
    const starts = coldStarts(search).filter(({ atMs, memory }) => !tried.has(`${memory}:${atMs}`))
    const urgent = starts.filter(({ slackMs }) => slackMs <= NO_SLACK_MS)
    if (urgent.length === 0) return
    // Those that would be critical next go along.
    const gainMs = Math.max(...urgent.map(({ memory }) => lossMs(search, memory)))
    const near = starts.filter(({ slackMs }) => slackMs <= gainMs)
    const choices = near.length > urgent.length ? [near, urgent] : [urgent]
    for (const one of urgent) tried.add(`${one.memory}:${one.atMs}`)
    if (choices.some((choice) => attempt(search, choice))) continue
    if (!(urgent.length > 1 && urgent.some((one) => attempt(search, [one])))) return
  }
}

/** What a cold start takes longer than a warm one. */
const lossMs = ({ model }: Search, memory: number) =>
  Math.max(0, model.startMs("cold", memory) - model.startMs("warm", memory))

const attempt = (search: Search, starts: ReadonlyArray<Starts>): boolean => {
  const assignment = copy(search.best.assignment)
  const prewarm = new Map(assignment.prewarm)
  for (const { atMs, memory, workers } of starts) {
    const neededMs = atMs - search.model.startMs("cold", memory) * (1 + MARGIN)
    const during = latestBefore(search, neededMs)
    if (during === undefined) continue
    const { beganMs, node } = during
    const afterMs = Math.max(0, Math.floor(neededMs - beganMs))
    prewarm.set(node, merged(prewarm.get(node) ?? [], { memory, workers, afterMs }))
  }
  return search.attempt({ ...assignment, prewarm }, isShorter)
}

/** What is started at the same time stands once. */
const merged = (all: ReadonlyArray<PrewarmOptions>, one: PrewarmOptions): ReadonlyArray<PrewarmOptions> => {
  const isSame = (other: PrewarmOptions) => other.memory === one.memory && other.afterMs === one.afterMs
  const same = all.find(isSame)
  if (same === undefined) return [...all, one]
  return all.map((other) => (other === same ? { ...other, workers: other.workers + one.workers } : other))
}

/** The node of a named worker that begins to execute last, but not after a time; calls only. */
const latestBefore = ({ best: { assignment, timeline }, model }: Search, atMs: number) => {
  let found: { readonly node: number; readonly beganMs: number } | undefined
  for (let node = 0; node < model.graph.size; node++) {
    if (assignment.worker[node] === FLEXIBLE || model.graph.kind(node) !== "call") continue
    const beganMs = timeline.executeMs[model.unrolled.first[node]!]!
    if (beganMs <= atMs && (found === undefined || beganMs > found.beganMs)) found = { node, beganMs }
  }
  return found
}

/** Workers that begin cold, together if one completion called for them. The client's are not among them. */
const coldStarts = ({ best: { timeline }, model }: Search): ReadonlyArray<Starts> => {
  const { ms, order } = slack(model, timeline)
  const seen = new Set<number>()
  const groups = new Map<string, Starts>()
  for (const instance of order) {
    const place = timeline.place[instance]!
    if (seen.has(place)) continue
    seen.add(place)
    const by = timeline.after[instance]!
    const use = timeline.workers[place]
    // What no target waits for may never run.
    if (use === undefined || !use.isCold || by === -1) continue
    const { memory, sentMs } = use
    const key = `${by}:${memory}`
    const known = groups.get(key)
    groups.set(key, {
      memory,
      atMs: Math.min(known?.atMs ?? sentMs, sentMs),
      workers: (known?.workers ?? 0) + 1,
      slackMs: Math.min(known?.slackMs ?? Number.POSITIVE_INFINITY, ms[instance]!)
    })
  }
  return [...groups.values()]
}
