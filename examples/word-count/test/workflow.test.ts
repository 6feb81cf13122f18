import { describe, expect, it } from "vitest"
import { run } from "weft"
import { countDirectly } from "../src/direct.ts"
import wordCount from "../src/workflow.ts"

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it("counts the words of the whole book", async () => {
    const counts = await run(wordCount, { engine })
    expect(counts).toEqual(countDirectly())
    expect(counts[0]).toEqual(["the", 14071])
  })

  it.each([1, 3, 100])("counts the same in partitions: %i", async (partitions) => {
    expect(await run(wordCount, { engine, input: { chapters: 4, partitions } })).toEqual(countDirectly(4))
  })

  it("counts nothing in no chapters", async () => {
    expect(await run(wordCount, { engine, input: { chapters: 0 } })).toEqual([])
  })
})
