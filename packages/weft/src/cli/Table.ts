/**
 * Small tables.
 */
import { CliOutput } from "effect/cli"
import type { Style } from "./Style.ts"

/** A column: on which side its cells are aligned, and how they look. */
export interface Column {
  readonly align?: "left" | "right"
  readonly format?: Parameters<Style>[0]
}

/** The lines of a table. The first row is its head. */
export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  style: Style
): ReadonlyArray<string> => {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => CliOutput.displayWidth(row[i] ?? ""))))
  return rows.map((row, index) =>
    columns
      .map(({ align = "left", format }, i) => {
        const cell = row[i] ?? ""
        const space = " ".repeat(widths[i]! - CliOutput.displayWidth(cell))
        const padded = align === "right" ? space + cell : i === columns.length - 1 ? cell : cell + space
        if (index === 0) return style("dim", padded)
        return format === undefined ? padded : style(format, padded)
      })
      .join("  ")
      .trimEnd()
  )
}

/** As much of a line as fits. */
export const fit = (text: string, width: number): string => {
  if (CliOutput.displayWidth(text) <= width) return text
  let result = ""
  for (const character of text) {
    if (CliOutput.displayWidth(result + character) > width - 1) break
    result += character
  }
  return `${result}…`
}
