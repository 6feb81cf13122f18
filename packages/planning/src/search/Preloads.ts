/**
 * Preloading: what is fetched before it is needed, on the critical path, as long as the run gets shorter.
 *
 * Paths that are alike (the branches of a fan-out) have to be shortened together before the run gets shorter: so what has no
 * more slack than the critical path might lose is tried at once, first all of it, then piece by piece.
 */
import { copy, FLEXIBLE } from "../Assignment.ts"
import { isShorter, type Search } from "./Search.ts"
import { NO_SLACK_MS, slack } from "./Slack.ts"

/** Pieces that the candidates are tried in, if not all of them help together. */
const PIECES = 8

/** Adds preloading as long as the run gets shorter. The critical path is computed again after every change that is kept. */
export const preloads = (search: Search): void => {
  while (search.left > 0) {
    const found = candidates(search)
    if (found.length === 0) return
    if (attempt(search, found)) continue
    const length = Math.ceil(found.length / PIECES)
    let isKept = false
    for (let at = 0; at < found.length && found.length > 1 && !isKept; at += length)
      isKept = attempt(search, found.slice(at, at + length))
    if (!isKept) return
  }
}

const attempt = (search: Search, nodes: ReadonlyArray<number>): boolean => {
  const assignment = copy(search.best.assignment)
  for (const node of nodes) assignment.preload[node] = 1
  return search.attempt(assignment, isShorter)
}

/** Nodes of named workers that wait for values from elsewhere, the longest waits first. */
const candidates = ({ best: { assignment, timeline }, model }: Search): ReadonlyArray<number> => {
  const { inputs, node: nodeOf, size } = model.unrolled
  const { executeMs, place, startMs } = timeline
  const { ms } = slack(model, timeline)
  const isRemote = (instance: number) => {
    for (let e = inputs.start[instance]!; e < inputs.start[instance + 1]!; e++)
      if (place[inputs.list[e]!] !== place[instance]) return true
    return false
  }
  const waits: Array<{ node: number; waitMs: number; slackMs: number }> = []
  let mostMs = 0
  for (let i = 0; i < size; i++) {
    const node = nodeOf[i]!
    if (assignment.worker[node] === FLEXIBLE || assignment.preload[node] === 1) continue
    const waitMs = executeMs[i]! - startMs[i]!
    if (waitMs <= 0 || !isRemote(i)) continue
    waits.push({ node, waitMs, slackMs: ms[i]! })
    if (ms[i]! <= NO_SLACK_MS) mostMs = Math.max(mostMs, waitMs)
  }
  return waits
    .filter(({ slackMs }) => mostMs > 0 && slackMs <= mostMs)
    .sort((a, b) => b.waitMs - a.waitMs || a.node - b.node)
    .map(({ node }) => node)
}
