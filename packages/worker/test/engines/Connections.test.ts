// Stores that are referred to are connected once, and again if that failed.
import { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { connect } from "../../src/engines/Connections.ts"
import { built, moduleUrl } from "../fixtures/flaky.ts"

describe("connect", () => {
  it("tries again while the store cannot be reached, and keeps the connection", async () => {
    const reference = { module: moduleUrl, options: { name: "away", fails: 2, reason: "unavailable" } }
    const [one, two] = await Promise.all([
      Effect.runPromise(connect(reference)),
      Effect.runPromise(connect(reference))
    ])
    expect(two).toBe(one)
    expect(built("away")).toBe(3)
  })

  it("does not try again at once what is refused, but when it is next asked for", async () => {
    const reference = { module: moduleUrl, options: { name: "shut", fails: 1, reason: "refused" } }
    await expect(Effect.runPromise(connect(reference))).rejects.toBeInstanceOf(StoreError)
    expect(await Effect.runPromise(connect(reference))).toBeDefined()
  })

  it("says that a module has no stores", async () => {
    const reference = { module: import.meta.resolve("@weft/core"), options: {} }
    await expect(Effect.runPromise(connect(reference))).rejects.toThrow("it exports no function `stores`")
  })
})
