// Items of a generator reach their readers while it runs.
import { stream } from "@weft/annotations"
import { describe, expect, it } from "vitest"
import { inline } from "../src/index.ts"
import * as tasks from "./fixtures/streams.ts"
import { value } from "./harness.ts"

const { all, count, countSync, moduleUrl, sum } = tasks

describe("inline", () => {
  const engine = inline()
  it("x", async () => {
    const n = stream(count)(20, 2)
    expect(await value(all(n), { engine, module: moduleUrl })).toEqual(
      Array.from({ length: 20 }, (_, i) => i)
    )
  })
  it("y", async () => {
    const n = stream(countSync)(60)
    expect(await value([all(n), sum(n)], { engine, module: moduleUrl })).toEqual([
      Array.from({ length: 60 }, (_, i) => i),
      1770
    ])
  })
})
