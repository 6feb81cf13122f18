/**
 * Looks words up in a dictionary that many use and that wants to be asked slowly, and counts the letters of what it
 * says. The lookups are what must be polite; the counting may go as fast as it can.
 */
import { context, each, task, workflow } from "weft"

const dictionary: Readonly<Record<string, string>> = {
  weft: "the threads that cross the warp",
  warp: "the threads that are stretched on the loom",
  loom: "a frame for weaving",
  shed: "the gap that the weft goes through",
  selvage: "the edge that does not unravel"
}

/** Asks the service. */
export const lookUp = task("lookUp", (word: string) => {
  const meaning = dictionary[word]
  if (meaning === undefined) throw new Error(`there is no "${word}" in the dictionary`)
  return { word, meaning, askedBy: context().worker }
})

export const letters = task("letters", (meaning: string) => meaning.replaceAll(" ", "").length)

export const words = Object.keys(dictionary)

export const meaningOf = task("meaningOf", ({ meaning }: { readonly meaning: string }) => meaning)

export default workflow(
  import.meta,
  (wanted: ReadonlyArray<string> = words) =>
    each(wanted, (word) => {
      const found = lookUp(word)
      return { found, letters: letters(meaningOf(found)) }
    }),
  { name: "dictionary" }
)
