/** A planner that gives everything to a few named workers: neighbours together, as planners with a history would. */
import { type Graph, planner } from "@weft/core"

/** Nodes that nothing leads to, and those that share their first parent, are dealt out in blocks; others follow it. */
export const blocks = (workers: number) =>
  planner({
    name: "blocks",
    annotations: [],
    plan: ({ draft, graph }) => {
      const chosen: Array<number> = []
      const roots = Array.from({ length: graph.size }, (_, id) => id).filter(
        (id) => parent(graph, id) === undefined
      )
      const place = new Map(roots.map((id, i) => [id, (i * workers) / roots.length]))
      for (let id = 0; id < graph.size; id++) {
        const first = parent(graph, id)
        chosen[id] = Math.floor(place.get(id) ?? chosen[first ?? 0]!)
        draft.assign(id, { worker: `worker-${chosen[id]}` })
        const children = graph.children.list.slice(graph.children.start[id], graph.children.start[id + 1])
        if (children.length < 2) continue
        for (const [i, child] of children.entries()) {
          if (parent(graph, child) === id) place.set(child, (i * workers) / children.length)
        }
      }
    }
  })

const parent = (graph: Graph.Graph, id: number): number | undefined =>
  graph.parents.start[id] === graph.parents.start[id + 1]
    ? undefined
    : graph.parents.list[graph.parents.start[id]!]
