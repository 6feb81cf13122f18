import { describe, expect, it } from "vitest"
import { run } from "weft"
import { analyze } from "../src/direct.ts"
import { report } from "../src/report.ts"
import { readingEase, sentencesOf, syllablesOf, wordsOf } from "../src/text.ts"
import textAnalysis from "../src/workflow.ts"

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it("finds in the whole book what the direct computation finds", async () => {
    const findings = await run(textAnalysis, { engine })
    expect(findings).toEqual(analyze())
    expect(findings.chapters).toHaveLength(136)
    expect(report(findings)).toContain(
      "The longest sentence has 467 words, in chapter 42. The Whiteness of The Whale."
    )
  })

  it("finds the same in the first chapters only", async () => {
    expect(await run(textAnalysis, { engine, input: { chapters: 5 } })).toEqual(analyze(5))
  })

  it("finds nothing in no chapters", async () => {
    const { book, chapters, names } = await run(textAnalysis, { engine, input: { chapters: 0 } })
    expect(book).toMatchObject({ sentences: 0, words: 0, syllables: 0 })
    expect([chapters, names]).toEqual([[], []])
  })
})

describe("text", () => {
  it("is cut into sentences, but not at abbreviations", () => {
    expect(sentencesOf('"Ay, ay!" he cried. "Mr. Starbuck\nis here."\n\n* * *\n\nWho\'s there? I.')).toEqual([
      '"Ay, ay!" he cried.',
      '"Mr. Starbuck is here."',
      "Who's there?",
      "I."
    ])
  })

  it("is cut into words", () => {
    expect(wordsOf("'Tis the sperm-whale's—and 7 o'clock.")).toEqual([
      "Tis",
      "the",
      "sperm-whale's",
      "and",
      "o'clock"
    ])
  })

  it.each([
    ["whale", 1],
    ["the", 1],
    ["little", 2],
    ["Ishmael", 2],
    ["Nantucket", 3],
    ["hmm", 1]
  ])("%s has syllables: %i", (word, syllables) => {
    expect(syllablesOf(word)).toBe(syllables)
  })

  it("is easier to read in short sentences of short words", () => {
    const easy = readingEase({ words: 50, sentences: 10, syllables: 60 })
    expect(easy).toBeGreaterThan(readingEase({ words: 50, sentences: 2, syllables: 60 }))
    expect(easy).toBeGreaterThan(readingEase({ words: 50, sentences: 10, syllables: 90 }))
  })
})
