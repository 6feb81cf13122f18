/**
 * Which nodes of a graph share a box, so that the picture of a large graph stays readable and fast to lay out.
 *
 * There are four rules, from fine to coarse; `Drawing.ts` takes the first that makes a picture small enough:
 *
 * - `single`: each node has a box of its own.
 * - `level`: calls of the same task at the same level share a box, the level being the longest path from a source. So
 *   the tiles of an image become one box for each filter, and a tree reduction one box for each round.
 * - `task`: all calls of the same task share a box. Now arrows may run in circles, and from a box to itself.
 * - `flat`: the same, and bodies of `each` are not told apart.
 *
 * Nodes in different bodies of `each` share a box only if the bodies share a cluster: by `level` and `task` those that
 * call the same tasks, in the same cluster (and, by `level`, open at the same level). All of it takes linear time.
 */
import type { Graph } from "@weft/core"
import * as Shown from "./Shown.ts"

/** What decides whether two nodes share a box. */
export type Rule = "single" | "level" | "task" | "flat"

/** Whether arrows between boxes may run in circles by this rule. */
export const circles = (rule: Rule): boolean => rule === "task" || rule === "flat"

/** The next rule, where there is one. */
export const coarser: { readonly [R in Rule]?: Rule } = {
  single: "level",
  level: "task",
  task: "flat"
}

/** Nodes that share a box, or scopes that share a cluster. */
export interface Group {
  /** The indices of the nodes or scopes, ascending. */
  readonly members: Array<number>
  /** The cluster around it, an index into {@link Grouping.clusters}; -1 for none. */
  readonly cluster: number
}

/** Which nodes share a box, and which scopes a cluster. */
export interface Grouping {
  /** For each node the index of its box; an item's is that of its expand; gates have none, which is -1. */
  readonly boxOf: Int32Array
  readonly boxes: ReadonlyArray<Group>
  /** Each after the one around it. */
  readonly clusters: ReadonlyArray<Group>
}

/**
 * Groups a graph's nodes by a rule.
 *
 * @param levels see `Shown.levels`
 */
export const make = (graph: Graph.Graph, levels: Int32Array, rule: Rule): Grouping => {
  const { codes, scopes } = graph.columns
  const levelOf = (id: number) => (rule === "level" ? levels[id] : "")
  const scopeOf = Shown.scopesShown(graph)
  const bodies = bodiesOf(graph)

  const clusters = new Groups()
  const clusterOf = new Int32Array(scopes.length).fill(-1)
  for (let scope = 1; rule !== "flat" && scope < scopes.length; scope++) {
    const { expand, parent } = scopes[scope]!
    const around = clusterOf[parent]!
    const key = rule === "single" ? scope : `${levelOf(expand!)} ${bodies[scope]}`
    clusterOf[scope] = clusters.add(key, around, scope)
  }

  const boxes = new Groups()
  const boxOf = new Int32Array(graph.size).fill(-1)
  for (let id = 0; id < graph.size; id++) {
    const shown = Shown.shownAs(graph, id)
    if (shown === id) {
      boxOf[id] = boxes.add(
        rule === "single" ? id : `${levelOf(id)} ${codes[id]}`,
        clusterOf[scopeOf[id]!]!,
        id
      )
    } else if (shown >= 0) boxOf[id] = boxOf[shown]!
  }
  return { boxOf, boxes: boxes.list, clusters: clusters.list }
}

/** For each scope which tasks its nodes are calls of (and whether it has an `each` in it), as a text to compare. */
const bodiesOf = (graph: Graph.Graph): ReadonlyArray<string> => {
  const tasks = graph.columns.scopes.map(() => new Set<number>())
  graph.columns.scopeOf.forEach((scope, id) => {
    tasks[scope]!.add(graph.columns.codes[id]!)
  })
  return tasks.map((set) => [...set].sort((a, b) => a - b).join())
}

/** Collects groups in the order of their first members. */
class Groups {
  readonly list: Array<Group> = []
  private readonly known = new Map<string | number, number>()

  /** Adds a member to the group with this key in this cluster, and gives the group's index. */
  add(key: string | number, cluster: number, member: number): number {
    const full = typeof key === "number" ? key : `${cluster} ${key}`
    const known = this.known.get(full)
    if (known !== undefined) {
      this.list[known]!.members.push(member)
      return known
    }
    const index = this.list.push({ members: [member], cluster }) - 1
    this.known.set(full, index)
    return index
  }
}
