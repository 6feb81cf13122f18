/**
 * Pictures of graphs, for people.
 */
import type { Graph } from "@weft/core"
import * as Dot from "./Dot.ts"
import * as Drawing from "./Drawing.ts"
import * as Mermaid from "./Mermaid.ts"
import * as Svg from "./Svg.ts"

/** What a graph can be drawn as: a picture, or the text of one in the language of Graphviz or of Mermaid. */
export type DrawFormat = "svg" | "dot" | "mermaid"

/** How a graph is drawn. */
export interface DrawOptions {
  /**
   * How many boxes there may be before like nodes share one (`blur × 16`). `false`: never do so. `true`: do so in any
   * case. Default: 200.
   */
  readonly group?: boolean | number
}

const LIMIT = 200

/**
 * Draws a graph: a box for each call of a task, a colour for each task, a frame around the body of each `each`. What
 * was asked for has a bold outline. The same graph gives the same text.
 *
 * Takes time linear in the graph's size; `svg` with `group: false` takes much more than that.
 *
 * @throws {LayoutFailed} from `Svg.ts`, if a picture is too large for its layout: only with `group: false` or a high limit
 */
export const draw = async (
  graph: Graph.Graph,
  format: DrawFormat,
  options: DrawOptions = {}
): Promise<string> => {
  const { group = LIMIT } = options
  const limit = typeof group === "number" ? group : group ? LIMIT : Number.POSITIVE_INFINITY
  const drawing = Drawing.make(graph, limit, group === true ? "level" : "single")
  switch (format) {
    case "dot":
      return Dot.make(drawing)
    case "mermaid":
      return Mermaid.make(drawing)
    case "svg":
      return Svg.make(Dot.make(drawing))
  }
}
