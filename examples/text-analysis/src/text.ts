/** English prose: its sentences, its words, their syllables. */

const PARAGRAPHS = /\n\s*\n/
/** White space after . ! or ?, before a capital letter; but not after an abbreviation. */
const BETWEEN_SENTENCES = /(?<=[.!?]["')]*)(?<!\b(?:Mr|Mrs|Dr|St|[A-HJ-Z])\.)\s+(?=["'(]*\p{Lu})/u
const WORD = /\p{L}+(?:['-]+\p{L}+)*/gu
const VOWELS = /[aeiouyœ]+/g

export const wordsOf = (text: string): Array<string> => text.match(WORD) ?? []

export const sentencesOf = (text: string): Array<string> =>
  text
    .split(PARAGRAPHS)
    .flatMap((paragraph) => paragraph.split(BETWEEN_SENTENCES))
    .map((sentence) => sentence.trim().replaceAll(/\s+/g, " "))
    .filter((sentence) => wordsOf(sentence).length > 0)

/** Groups of vowels, without a silent e at the end, as in whale but not in little; at least one. */
export const syllablesOf = (word: string): number => {
  const spoken = word.toLowerCase().replace(/(?<![aeiouy]|[^aeiouy]l)e$/, "")
  return Math.max(1, spoken.match(VOWELS)?.length ?? 0)
}

/** Flesch's reading ease: 100 is very easy, 0 is very hard. */
export const readingEase = (text: { words: number; sentences: number; syllables: number }): number =>
  206.835 - 1.015 * (text.words / text.sentences) - 84.6 * (text.syllables / text.words)
