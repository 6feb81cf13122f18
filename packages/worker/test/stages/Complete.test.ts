import { task } from "@weft/core"
import { describe, expect, it } from "vitest"
import { inline } from "../../src/index.ts"
import { end } from "../harness.ts"

const events: Array<string> = []
const other = task("other", (x: number) => x)
const seen = task("seen", (x: number, y: number) => {
  events.push(`seen ${x}`)
  if (x === 4) release()
  return x + y
})
let release = () => {}
const gate = new Promise<void>((resolve) => {
  release = resolve
})
const maybe = task("maybe", (x: number) => {
  if (x < 5) return x
  events.push("waiting")
  return gate.then(() => x)
})

describe("complete", () => {
  /**
   * Worker a runs maybe 0 to 5 in one go, worker b what reads them. maybe 5 waits for seen 4: if what was completed
   * before it lingered until it ends, the run would never end.
   */
  it("tells what lingers before a task that takes its time", async () => {
    const results = Array.from({ length: 6 }, (_, i) => seen(maybe(i), other(1)))
    const ended = await end(results, {
      engine: inline(),
      plan: (graph) => ({
        nodes: new Map(
          Array.from({ length: graph.size }, (_, id) => [
            id,
            { worker: graph.name(id) === "maybe" ? "a" : "b" }
          ])
        )
      })
    })
    expect(ended.value).toEqual([1, 2, 3, 4, 5, 6])
    expect(events.indexOf("seen 4")).toBeGreaterThan(events.indexOf("waiting"))
  })
})
