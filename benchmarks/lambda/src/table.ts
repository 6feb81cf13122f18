/** How figures are shown. */
import { styleText } from "node:util"

/** Makes a row of cells: so many characters each, those with a negative width to the left. */
export const row = (widths: ReadonlyArray<number>) => (cells: ReadonlyArray<string>) =>
  cells
    .map((cell, i) => (widths[i]! > 0 ? cell.padStart(widths[i]!) : cell.padEnd(-widths[i]!)))
    .join(" ")
    .trimEnd()

export const bold = (text: string): string => styleText("bold", text, { stream: process.stdout })

export const median = (values: ReadonlyArray<number>): number | undefined =>
  values.toSorted((a, b) => a - b)[values.length >> 1]

export const least = (values: ReadonlyArray<number>): number | undefined =>
  values.length === 0 ? undefined : Math.min(...values)

export const most = (values: ReadonlyArray<number>): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values)

/** `–` if there is nothing to show. */
export const fixed = (value: number | undefined, digits = 0): string =>
  value === undefined ? "–" : value.toFixed(digits)
