/** The findings as something to read. */
import { readingEase } from "./text.ts"
import type { Name, Style } from "./workflow.ts"

export interface Findings {
  readonly book: Style
  readonly chapters: ReadonlyArray<Style>
  readonly names: ReadonlyArray<Name>
}

const COLUMNS = 60
const BARS = " ▁▂▃▄▅▆▇█"
const WORDS_PER_HOUR = 15_000

const number = (value: number) => value.toLocaleString("en")

/** The values as a row of bars, neighbours added up so that it is no longer than the page is wide. */
const bars = (values: ReadonlyArray<number>): string => {
  const each = Math.ceil(values.length / COLUMNS)
  const sums = Array.from({ length: Math.ceil(values.length / each) }, (_, i) =>
    values.slice(i * each, (i + 1) * each).reduce((sum, value) => sum + value, 0)
  )
  const most = Math.max(1, ...sums)
  return sums
    .map((sum) => BARS[Math.ceil((sum / most) * (BARS.length - 1))])
    .join("")
    .trimEnd()
}

/** A text cut after a word, so that it fits on a line. */
const shorten = (text: string, length: number) =>
  text.length <= length ? text : `${text.slice(0, text.lastIndexOf(" ", length - 2))} …`

export const report = ({ book, chapters, names }: Findings): string => {
  const easy = chapters.filter(({ words }) => words >= 100).sort((a, b) => readingEase(b) - readingEase(a))
  const ease = (style: Style | undefined) =>
    style === undefined
      ? ""
      : `${shorten(style.title, 52).padEnd(52)} ${readingEase(style).toFixed(0).padStart(3)}`
  const longest = chapters.find(({ longest }) => longest.sentence === book.longest.sentence)
  return [
    `${book.title}, by Herman Melville`,
    `${chapters.length - 1} chapters and an epilogue: ${number(book.sentences)} sentences, ${number(book.words)} words, ` +
      `${Math.round(book.words / WORDS_PER_HOUR)} hours to read`,
    "",
    "Who is where, from the first chapter to the last",
    ...names.map(
      ({ name, count, chapters }) => `  ${name.padEnd(10)} ${String(count).padStart(4)} ${bars(chapters)}`
    ),
    "",
    "Reading ease, from 0 (very hard) to 100 (very easy)",
    `  easiest   ${ease(easy.at(0))}`,
    `  hardest   ${ease(easy.at(-1))}`,
    `  the book  ${ease({ ...book, title: "" })}`,
    "",
    `The longest sentence has ${book.longest.words} words, in chapter ${longest?.title}`,
    `  ${shorten(book.longest.sentence, 76)}`
  ].join("\n")
}
