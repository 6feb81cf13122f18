/**
 * Boxes and clusters as lines of text, for the formats that write a cluster around what is in it.
 */
import type { Box, Cluster, Drawing } from "./Drawing.ts"

/** How a format says it. */
export interface Syntax {
  readonly box: (box: Box, index: number) => string
  readonly open: (cluster: Cluster, index: number) => ReadonlyArray<string>
  readonly close: string
}

/** All boxes and clusters, indented as they are nested. */
export const lines = (drawing: Drawing, syntax: Syntax): ReadonlyArray<string> => {
  const boxes = Map.groupBy(drawing.boxes.keys(), (index) => drawing.boxes[index]!.cluster)
  const clusters = Map.groupBy(drawing.clusters.keys(), (index) => drawing.clusters[index]!.parent)
  const inside = (cluster: number, indent: string): Array<string> => [
    ...(boxes.get(cluster) ?? []).map((index) => indent + syntax.box(drawing.boxes[index]!, index)),
    ...(clusters.get(cluster) ?? []).flatMap((index) => [
      ...syntax.open(drawing.clusters[index]!, index).map((line) => indent + line),
      ...inside(index, `${indent}  `),
      indent + syntax.close
    ])
  ]
  return inside(-1, "  ")
}
