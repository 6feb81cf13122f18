/**
 * Drawings in Mermaid, which GitHub and many editors show as pictures.
 */
import type { Arrow, Box, Drawing } from "./Drawing.ts"
import * as Nested from "./Nested.ts"
import * as Palette from "./Palette.ts"

/** The drawing as Mermaid text, one statement a line. The background is the page's, light or dark. */
export const make = (drawing: Drawing): string => {
  const { arrows, boxes, clusters, direction, summary, title } = drawing
  const tasks = new Set(boxes.map((box) => box.task))
  const targets = boxes.flatMap((box, index) => (box.target ? [`n${index}`] : []))
  return `${[
    "---",
    `title: ${JSON.stringify(`${title} · ${summary}`)}`,
    "---",
    `flowchart ${direction}`,
    ...Nested.lines(drawing, {
      box: (box, index) => `n${index}${shape(box)}:::${taskClass(box.task)}`,
      open: ({ label }, index) => [`subgraph s${index}[${quote(label)}]`],
      close: "end"
    }),
    ...arrows.map((arrow) => `  n${arrow.from} ${line(arrow)} n${arrow.to}`),
    ...Array.from(tasks, (task) => `  classDef ${taskClass(task)} ${taskStyle(task)}`),
    ...style(
      "each",
      [...clusters.keys().map((index) => `s${index}`)],
      [`fill:${Palette.cluster.fill}`, `stroke:${Palette.cluster.border}`]
    ),
    ...style("target", targets, [`stroke:${Palette.faint}`, "stroke-width:4px"])
  ].join("\n")}\n`
}

const shape = ({ kind, label }: Box) => (kind === "call" ? `(${quote(label)})` : '((" "))')

const line = ({ count, data }: Arrow) =>
  `${data ? "-->" : "-.->"}${count === 1 ? "" : `|${count.toLocaleString("en")}|`}`

/** The class of a task's boxes, or of the places where an `each` opens or ends. */
const taskClass = (task: number) => (task < 0 ? "border" : `task${task}`)

const taskStyle = (task: number) =>
  `fill:${task < 0 ? Palette.faint : Palette.fill(task)},stroke:${Palette.outline},color:${Palette.text}`

const style = (name: string, members: ReadonlyArray<string>, properties: ReadonlyArray<string>) =>
  members.length === 0 ? [] : [`  classDef ${name} ${properties.join()}`, `  class ${members.join()} ${name}`]

/** A quoted label. Mermaid reads HTML in it, and codes of its own: `#34;` is a quote. */
const quote = (value: string) =>
  `"${value.replaceAll(/\s+/g, " ").replaceAll(/["&<>\\`]|#(?=\w+;)/g, (found) => `#${found.codePointAt(0)};`)}"`
