/**
 * Pictures of what would be run, without running it.
 */
import * as Effect from "effect/Effect"
import { type DrawFormat, type DrawOptions, draw } from "./draw/Draw.ts"
import * as Job from "./internal/Job.ts"

/** What to draw, and how. */
export interface DrawGraphOptions extends DrawOptions {
  /** The workflow's input. */
  readonly input?: unknown
  /** Default `"svg"`. */
  readonly format?: DrawFormat
}

/**
 * Draws the graph of a workflow, or of any nesting of nodes.
 *
 * ```ts
 * writeFileSync("graph.svg", await drawGraph(textAnalysis))
 * ```
 *
 * @throws {InvalidInput | BuildFailed} if there is no graph to draw
 */
export const drawGraph = async (
  what: unknown,
  { format = "svg", input, ...options }: DrawGraphOptions = {}
): Promise<string> => draw((await Effect.runPromise(Job.make(what, input, undefined))).graph, format, options)
