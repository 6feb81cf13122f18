/**
 * Drawings in DOT, the language of Graphviz.
 */
import type { Arrow, Box, Drawing } from "./Drawing.ts"
import * as Nested from "./Nested.ts"
import * as Palette from "./Palette.ts"

/** A font whose widths Graphviz knows without having it, and which others are like. */
export const FONT = "Arial"
/** In points. */
const FONT_SIZE = 12
/** Space beside a box's label, in inches. */
const MARGIN = 0.14

/** The drawing as DOT text, one statement a line. */
export const make = (drawing: Drawing): string => {
  const { arrows, boxes, direction } = drawing
  const ordered = orderedBoxes(drawing)
  const style = {
    graph: {
      rankdir: direction,
      bgcolor: "transparent",
      pad: 0.25,
      nodesep: 0.18,
      ranksep: 0.45,
      // Enough for all but tangles, whose layout could take minutes.
      nslimit: 4,
      nslimit1: 4,
      fontname: FONT,
      fontcolor: Palette.text,
      labelloc: "t",
      labeljust: "l",
      label: { html: titleOf(drawing) }
    },
    node: {
      shape: "box",
      style: "rounded,filled",
      height: 0.36,
      margin: `${MARGIN},0.05`,
      fontname: FONT,
      fontsize: FONT_SIZE,
      fontcolor: Palette.text,
      color: Palette.outline
    },
    edge: { color: Palette.arrow, arrowsize: 0.6, fontname: FONT, fontsize: 10, fontcolor: Palette.faint }
  }
  return `${[
    `digraph ${quote(drawing.title)} {`,
    ...Object.entries(style).map(([kind, attributes]) => `  ${kind}${list(attributes)}`),
    ...Nested.lines(drawing, {
      box: (box, index) =>
        quote(box.name) +
        list({ ...boxStyle(box, direction), ...(ordered.has(index) ? { ordering: "in" } : {}) }),
      open: ({ label }, index) => [`subgraph "cluster ${index}" {`, `  graph${list(clusterStyle(label))}`],
      close: "}"
    }),
    ...arrows.map(
      (arrow) =>
        `  ${quote(boxes[arrow.from]!.name)} -> ${quote(boxes[arrow.to]!.name)}${list(arrowStyle(arrow))}`
    ),
    "}"
  ].join("\n")}\n`
}

type Attributes = { readonly [name: string]: string | number | { readonly html: string } }

const titleOf = ({ summary, title }: Drawing) =>
  `<FONT POINT-SIZE="18"><B>${html(title)}</B></FONT><BR ALIGN="LEFT"/><FONT POINT-SIZE="4"> </FONT><BR/>` +
  `<FONT POINT-SIZE="11" COLOR="${Palette.faint}">${html(summary)}</FONT><BR ALIGN="LEFT"/> `

const boxStyle = (box: Box, direction: Drawing["direction"]): Attributes => ({
  ...(box.kind === "call"
    ? { fillcolor: Palette.fill(box.task), ...(box.label === box.name ? {} : { label: box.label }) }
    : {
        // A bar across the flow, as forks and joins are drawn in activity diagrams.
        ...(direction === "LR" ? { width: 0.06, height: 0.3 } : { width: 0.5, height: 0.06 }),
        style: "filled",
        fillcolor: box.target ? Palette.target : Palette.faint,
        color: Palette.faint,
        label: ""
      }),
  ...(/[\u{1100}-\u{10ffff}]/u.test(box.label) ? { width: widthOfWide(box.label) } : {}),
  ...(box.target ? { color: Palette.target, penwidth: 2.5 } : {})
})

/** Graphviz takes Chinese, Japanese and Korean characters for narrower than they are, which is a square. In inches. */
const widthOfWide = (label: string) => ((FONT_SIZE * label.length) / 72 + 2 * MARGIN).toFixed(2)

/** The boxes whose inputs are read by nothing else: they can be put in order of construction without crossing arrows. */
const orderedBoxes = ({ arrows }: Drawing): ReadonlySet<number> => {
  const readers = Map.groupBy(arrows, (arrow) => arrow.from)
  const inputs = Map.groupBy(arrows, (arrow) => arrow.to)
  return new Set(
    inputs
      .entries()
      .filter(([, all]) => all.length > 1 && all.every(({ from }) => readers.get(from)!.length === 1))
      .map(([box]) => box)
  )
}

const clusterStyle = (label: string): Attributes => ({
  label,
  style: "rounded,filled",
  fillcolor: Palette.cluster.fill,
  color: Palette.cluster.border,
  fontcolor: Palette.faint,
  fontsize: 12,
  margin: 12
})

const arrowStyle = ({ count, data }: Arrow): Attributes => ({
  ...(count === 1 ? {} : { label: count.toLocaleString("en") }),
  ...(data ? {} : { style: "dotted" })
})

const list = (attributes: Attributes): string => {
  const all = Object.entries(attributes).map(
    ([name, value]) => `${name}=${typeof value === "object" ? `<${value.html}>` : quote(String(value))}`
  )
  return all.length === 0 ? "" : ` [${all.join(", ")}]`
}

/** A quoted string: in labels Graphviz reads backslashes and the entities of HTML. */
const quote = (value: string) =>
  `"${value.replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll(/\s/g, " ")}"`

/** Text in an HTML-like label. */
const html = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
