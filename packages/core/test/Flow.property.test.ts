// Any graph, run one instance at a time in any order, with the rules of Flow and nothing else.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Codec, GraphBuilder, GraphCodec } from "../src/index.ts"
import { evaluate, pickBySeed } from "./evaluate.ts"
import { arbitraryWorkflow } from "./randomGraph.ts"

describe("a random graph", () => {
  it("gives in any order what plain function calls give", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWorkflow, fc.nat(), async ({ build, expected }, seed) => {
        const { graph, tasks } = GraphBuilder.make(build(), "random")
        expect(await evaluate(graph, tasks, pickBySeed(seed))).toStrictEqual(expected)
      }),
      { numRuns: 2000 }
    )
  })

  it("gives the same in the order of readiness and in the reverse", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWorkflow, async ({ build, expected }) => {
        const { graph, tasks } = GraphBuilder.make(build(), "random")
        expect(await evaluate(graph, tasks, () => 0)).toStrictEqual(expected)
        expect(await evaluate(graph, tasks, (count) => count - 1)).toStrictEqual(expected)
      })
    )
  })

  it("gives the same after it was sent, with all constants kept apart", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWorkflow, fc.nat(), async ({ build, expected }, seed) => {
        const { graph, tasks } = GraphBuilder.make(build(), "random")
        const { bytes, stored } = GraphCodec.encode(graph, 0)
        const constants = new Map(stored.map(({ bytes, index }) => [index, Codec.decode(bytes)]))
        const sent = GraphCodec.decode(bytes)
        expect(await evaluate(sent, tasks, pickBySeed(seed), (index) => constants.get(index))).toStrictEqual(
          expected
        )
      })
    )
  })
})
